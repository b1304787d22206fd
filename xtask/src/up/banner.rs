//! What a person needs to know when everything is ready.

use std::time::Duration;

use rabbitmq_node::ADMINISTRATOR;

use super::broker::{Addresses, Broker};
use super::plan::Plan;
use crate::definitions::SCANNER;

/// A box with the addresses.
pub(super) fn text(plan: &Plan, broker: &Broker, after: Duration) -> String {
    let running = match plan.replicas.len() {
        0 => "RabbitMQ alone".to_owned(),
        count => format!("{count} processes"),
    };
    let mut lines = vec![format!("Ready after {:.1} s: {running}", after.as_secs_f64()), String::new()];
    lines.extend(plan.page.as_ref().map(|page| format!("Shop            {page}")));
    lines.extend(of_broker(broker.addresses()));
    lines.extend([String::new(), "Ctrl-C drains and stops everything".to_owned()]);
    framed(&lines)
}

fn of_broker(addresses: Option<Addresses>) -> Vec<String> {
    let Some(Addresses { management, amqp, mqtt }) = addresses else {
        return vec!["Broker          the given one".to_owned()];
    };
    let (user, password) = ADMINISTRATOR;
    let mut lines = vec![
        format!("Management UI   {management}   {user} / {password}"),
        format!("AMQP            {amqp}"),
        "                Any client may take part: publish plain JSON to `<owner>.events` with".to_owned(),
        "                the message's name as routing key, or bind a queue of your own there.".to_owned(),
    ];
    lines.extend(mqtt.map(|mqtt| format!("MQTT            {mqtt}   {SCANNER} / {SCANNER}")));
    lines
}

fn framed(lines: &[String]) -> String {
    let width = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    let edge = "─".repeat(width + 2);
    let rows: String = lines.iter().map(|line| format!("│ {line:width$} │\n")).collect();
    format!("\n╭{edge}╮\n{rows}╰{edge}╯\n\n")
}

#[cfg(test)]
mod tests {
    use super::{Addresses, framed, of_broker};

    #[test]
    fn devices_are_told_their_address_and_user_where_they_are_heard() {
        let told = |mqtt: Option<&str>| {
            let (management, amqp) = ("http://there".to_owned(), "amqp://there".to_owned());
            of_broker(Some(Addresses { management, amqp, mqtt: mqtt.map(str::to_owned) })).join("\n")
        };
        assert!(told(Some("mqtt://there")).ends_with("mqtt://there   scanner-1 / scanner-1"));
        assert!(!told(None).contains("MQTT"));
        assert_eq!(of_broker(None), ["Broker          the given one"]);
    }

    #[test]
    fn the_frame_fits_the_longest_line() {
        assert_eq!(framed(&["ab".to_owned(), "c".to_owned()]), "\n╭────╮\n│ ab │\n│ c  │\n╰────╯\n\n");
    }
}
