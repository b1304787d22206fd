//! What a person needs to know when everything is ready.

use std::time::Duration;

use rabbitmq_node::ADMINISTRATOR;

use super::broker::Broker;
use super::plan::Plan;

/// A box with the addresses.
pub(super) fn text(plan: &Plan, broker: &Broker, after: Duration) -> String {
    let running = match plan.replicas.len() {
        0 => "RabbitMQ alone".to_owned(),
        count => format!("{count} processes"),
    };
    let mut lines = vec![format!("Ready after {:.1} s: {running}", after.as_secs_f64()), String::new()];
    lines.extend(plan.page.as_ref().map(|page| format!("Shop            {page}")));
    match broker.addresses() {
        None => lines.push("Broker          the given one".to_owned()),
        Some([management, amqp, mqtt]) => {
            let (user, password) = ADMINISTRATOR;
            lines.push(format!("Management UI   {management}   {user} / {password}"));
            lines.push(format!("AMQP            {amqp}"));
            lines.push(
                "                Any client may take part: publish plain JSON to `<owner>.events` with".to_owned(),
            );
            lines.push(
                "                the message's name as routing key, or bind a queue of your own there.".to_owned(),
            );
            lines.push(format!("MQTT            {mqtt}   scanner-1 / scanner-1"));
        }
    }
    lines.extend([String::new(), "Ctrl-C drains and stops everything".to_owned()]);
    framed(&lines)
}

fn framed(lines: &[String]) -> String {
    let width = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    let edge = "─".repeat(width + 2);
    let rows: String = lines.iter().map(|line| format!("│ {line:width$} │\n")).collect();
    format!("\n╭{edge}╮\n{rows}╰{edge}╯\n\n")
}

#[cfg(test)]
mod tests {
    use super::framed;

    #[test]
    fn the_frame_fits_the_longest_line() {
        assert_eq!(framed(&["ab".to_owned(), "c".to_owned()]), "\n╭────╮\n│ ab │\n│ c  │\n╰────╯\n\n");
    }
}
