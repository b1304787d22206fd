//! Which published messages came back because no queue took them.

use std::collections::HashMap;

use lapin::message::Delivery;

use super::Outgoing;

/// Returned messages that no confirm has claimed yet.
#[derive(Debug, Default)]
pub(super) struct Returns {
    /// By message id, exchange and routing key. Equal ones route alike, so it does not matter which of them a return
    /// is counted for.
    unclaimed: HashMap<(String, String, String), usize>,
}

impl Returns {
    pub(super) fn note(&mut self, returned: &Delivery) {
        let id = returned.properties.message_id().as_ref().map(|id| id.as_str().to_owned());
        let key =
            (id.unwrap_or_default(), returned.exchange.as_str().to_owned(), returned.routing_key.as_str().to_owned());
        *self.unclaimed.entry(key).or_default() += 1;
    }

    /// Whether this message came back. Each return is claimed once.
    pub(super) fn claim(&mut self, message: &Outgoing) -> bool {
        if self.unclaimed.is_empty() {
            return false;
        }
        let id = message.properties.message_id.clone().unwrap_or_default();
        let key = (id, message.exchange.clone(), message.routing_key.clone());
        let Some(count) = self.unclaimed.get_mut(&key) else { return false };
        *count -= 1;
        if *count == 0 {
            self.unclaimed.remove(&key);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use lapin::BasicProperties;

    use super::*;
    use crate::broker::Properties;

    #[test]
    fn a_return_is_claimed_once_and_only_by_the_message_it_belongs_to() {
        let message = |id: &str, key: &str| Outgoing {
            exchange: "x".into(),
            routing_key: key.into(),
            body: Vec::new(),
            properties: Properties { message_id: Some(id.into()), ..Properties::default() },
        };
        let mut returned = Delivery::mock(1, "x".into(), "k".into(), false, Vec::new());
        returned.properties = BasicProperties::default().with_message_id("1".into());
        let mut returns = Returns::default();
        returns.note(&returned);
        assert!(!returns.claim(&message("2", "k")) && !returns.claim(&message("1", "other")));
        assert!(returns.claim(&message("1", "k")));
        assert!(!returns.claim(&message("1", "k")));
    }
}
