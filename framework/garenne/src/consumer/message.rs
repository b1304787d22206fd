//! What a handler may know about its message beside the body.

use std::fmt::Display;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::{Failure, cloud_event};
use crate::broker::{Inbound, SHORT_STRING_LIMIT};
use crate::publisher::{Cause, Operation, about_messages, destination, header, new_id, now_in_milliseconds};
use crate::telemetry::{About, DELIVERY, Described, Trace};
use crate::topology::names;

/// Where a message comes from and which attempt this is.
#[derive(Debug, Clone)]
pub struct Message {
    name: String,
    device: Option<String>,
    message_id: Option<Arc<str>>,
    conversation: Arc<str>,
    attempt: u32,
    sent_at: Option<SystemTime>,
    /// In milliseconds since 1970.
    deadline: Option<u64>,
    redelivered: bool,
    pub(crate) origin_exchange: String,
    pub(crate) origin_key: String,
    pub(crate) first_failed_at: Option<i64>,
    /// Where it came from, and once it is handled, that.
    trace: Trace,
    /// The class and the words of the failure of which the caller of a request was told.
    told: OnceLock<(&'static str, String)>,
}

impl Message {
    /// Reads properties and headers. All of them may be absent: the routing key then names the message.
    ///
    /// Only what came back through the service's own retry exchange is believed about attempts: nobody else may
    /// publish there.
    pub(crate) fn read(inbound: &Inbound, service: &str) -> Self {
        let properties = &inbound.properties;
        let again = names::is_redeliver(&inbound.exchange, service);
        // What comes from a header may be longer than a property that it shall go on in.
        let fits = |text: &&str| text.len() <= SHORT_STRING_LIMIT;
        let own = |name| if again { properties.text(name).filter(fits) } else { None };
        let origin_key = own(header::ORIGIN_KEY).unwrap_or(&inbound.routing_key).to_owned();
        let origin_exchange = own(header::ORIGIN_EXCHANGE).unwrap_or(&inbound.exchange);
        let of_device = || origin_key.rsplit_once('.').filter(|_| names::is_devices(origin_exchange, service));
        let kind = properties.kind().or_else(|| cloud_event::attribute(properties, "type"));
        let kind = kind.or_else(|| of_device().map(|(name, _)| name));
        let device = of_device().map(|(_, device)| device.to_owned());
        let attempt = if again { properties.integer(header::ATTEMPT) } else { None };
        let message_id = properties.message_id().map(Arc::from).or_else(|| cloud_event::id(properties).map(Arc::from));
        let conversation = properties.text(header::CONVERSATION_ID).filter(fits);
        let conversation = conversation.or(properties.correlation_id());
        let conversation = conversation.map(Arc::from).or_else(|| message_id.clone());
        let trace = properties.text(header::TRACEPARENT);
        let trace = trace.and_then(|parent| Trace::parse(parent, properties.text(header::TRACESTATE)));
        // Nobody waits for a command.
        let deadline = properties.reply_to().and_then(|_| properties.integer(header::DEADLINE));
        Self {
            name: kind.unwrap_or(&origin_key).to_owned(),
            device,
            message_id,
            conversation: conversation.unwrap_or_else(new_id),
            attempt: attempt.and_then(|attempt| u32::try_from(attempt).ok()).unwrap_or(1).max(1),
            sent_at: sent_at(inbound),
            deadline: deadline.and_then(|deadline| u64::try_from(deadline).ok()),
            redelivered: inbound.redelivered,
            origin_exchange: origin_exchange.to_owned(),
            origin_key,
            first_failed_at: if again { properties.integer(header::FIRST_FAILED_AT) } else { None },
            trace: trace.unwrap_or_else(Trace::start),
            told: OnceLock::new(),
        }
    }

    /// The same message under the name that its sender wrote into the body, as far as that would fit a property. An id from
    /// there counts where there is none beside it.
    pub(crate) fn called(self, name: &str, id: Option<&str>) -> Self {
        let end = (0..=SHORT_STRING_LIMIT.min(name.len())).rev().find(|end| name.is_char_boundary(*end));
        let id = id.filter(|id| !id.is_empty() && id.len() <= SHORT_STRING_LIMIT).map(Arc::from);
        Self { name: name[..end.unwrap_or(0)].to_owned(), message_id: self.message_id.or(id), ..self }
    }

    /// What stands for the page of a log: it belongs to no conversation but begins one, and has no id and no time.
    pub(crate) fn of_page(log: &str, attempt: u32) -> Self {
        Self {
            name: log.to_owned(),
            device: None,
            message_id: None,
            conversation: new_id(),
            attempt,
            sent_at: None,
            deadline: None,
            redelivered: attempt > 1,
            origin_exchange: String::new(),
            origin_key: log.to_owned(),
            first_failed_at: None,
            trace: Trace::start(),
            told: OnceLock::new(),
        }
    }

    /// The message's name, `orders.order-placed`; from NestJS, its pattern; for a page of a log the log's, `shop.log`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The device that published the message, if the service heard it [from one](crate::Service::on_device): its user name,
    /// which the broker has compared with the topic.
    #[must_use]
    pub fn device(&self) -> Option<&str> {
        self.device.as_deref()
    }

    /// The sender's id of the message. A foreign client may have sent none.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        self.message_id.as_deref()
    }

    /// Names the whole conversation that the message belongs to.
    #[must_use]
    pub fn correlation_id(&self) -> &str {
        &self.conversation
    }

    /// Which attempt this is; the first is 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// When the message was published, to the millisecond if the sender was a service of this library, otherwise to
    /// the second or not at all.
    #[must_use]
    pub fn sent_at(&self) -> Option<SystemTime> {
        self.sent_at
    }

    /// Whether the broker may have delivered this attempt before, to this replica or another one.
    #[must_use]
    pub fn redelivered(&self) -> bool {
        self.redelivered
    }

    /// How long the caller of this request still waits. `None` when nobody waits, as for an event or a command, or when the
    /// caller does not say. The clocks of both machines have to agree.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| Duration::from_millis(deadline.saturating_sub(now_in_milliseconds())))
    }

    /// What its routing key says that it is: the broker lets only those use a key who may.
    pub(crate) fn published_as(&self) -> &str {
        let of_device =
            self.device.as_deref().and_then(|device| self.origin_key.strip_suffix(device)?.strip_suffix('.'));
        of_device.unwrap_or(&self.origin_key)
    }

    /// What is published while this message is handled belongs to it.
    pub(crate) fn cause(&self) -> Cause {
        Cause {
            conversation: self.conversation.clone(),
            causation_id: self.message_id.clone(),
            trace: self.trace.clone(),
        }
    }

    pub(crate) fn trace(&self) -> &Trace {
        &self.trace
    }

    /// The handling failed, and its caller is told.
    pub(crate) fn tell_failure(&self, failure: &Failure) {
        let _an_earlier_one = self.told.set((failure.class(), failure.to_string()));
    }

    /// How the handling ended that has told its caller.
    pub(super) fn told(&self) -> Option<(&str, &dyn Display)> {
        self.told.get().map(|(class, text)| (*class, text as &dyn Display))
    }

    /// Describes the handling of a message of this queue, with a body of so many bytes.
    pub(crate) fn tell(&self, about: &mut About, queue: &str, bytes: usize) {
        let Self { origin_exchange, origin_key, .. } = self;
        about_messages(about, Operation::PROCESS);
        let name = destination([origin_exchange.as_str(), origin_key, queue]);
        if self.device.is_some() {
            // A device's own key would make a name of its own for each.
            let template = destination([origin_exchange.as_str(), self.published_as(), queue]);
            about.name(format!("process {template}"));
            about.text("messaging.destination.template", template);
        } else {
            about.name(format!("process {name}"));
        }
        about.text("messaging.destination.name", name);
        about.text("messaging.rabbitmq.destination.routing_key", origin_key);
        if let Some(id) = &self.message_id {
            about.text("messaging.message.id", &**id);
        }
        about.text("messaging.message.conversation_id", &*self.conversation);
        about.number("messaging.message.body.size", bytes);
        about.number("garenne.attempt", self.attempt);
    }

    /// What a subscriber of somebody else's is told of its handling: the same as [our own](Described).
    pub(super) fn span(&self, queue: &str) -> tracing::Span {
        tracing::info_span!(
            target: DELIVERY,
            "handle",
            queue,
            message_id = self.message_id(),
            correlation_id = self.correlation_id(),
            trace_id = %self.trace.id(),
            attempt = self.attempt,
        )
    }

    /// The same message, handled at this place in its trace.
    pub(crate) fn at(self, trace: &Trace) -> Self {
        Self { trace: trace.clone(), ..self }
    }
}

impl Described for Message {
    fn fields(&self) -> Vec<(&'static str, Value)> {
        let id = self.message_id.as_deref().map(|id| ("message_id", id.into()));
        let others = [
            ("correlation_id", (*self.conversation).into()),
            ("trace_id", self.trace.id().to_string().into()),
            ("attempt", self.attempt.into()),
        ];
        id.into_iter().chain(others).collect()
    }
}

pub(crate) fn sent_at(inbound: &Inbound) -> Option<SystemTime> {
    let properties = &inbound.properties;
    let milliseconds = properties.integer(header::SENT_AT).and_then(|sent| u64::try_from(sent).ok());
    let seconds = || properties.timestamp().and_then(|seconds| seconds.checked_mul(1000));
    let milliseconds = milliseconds.or_else(seconds).or_else(|| cloud_event::time(properties));
    UNIX_EPOCH.checked_add(Duration::from_millis(milliseconds?))
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;
    use std::sync::Mutex;

    use tracing::Subscriber;
    use tracing::field::{Field, Visit};
    use tracing::span::{self, Attributes};
    use tracing::subscriber::with_default;
    use tracing_subscriber::layer::{self, Layer, SubscriberExt as _};

    use super::*;
    use crate::broker::Properties;

    #[test]
    fn a_subscriber_of_somebody_elses_is_told_the_same_of_a_delivery_as_our_own() {
        #[derive(Default)]
        struct Told(Vec<(&'static str, Value)>);
        impl Visit for Told {
            fn record_str(&mut self, field: &Field, text: &str) {
                self.0.push((field.name(), text.into()));
            }
            fn record_u64(&mut self, field: &Field, number: u64) {
                self.0.push((field.name(), number.into()));
            }
            fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
                self.0.push((field.name(), format!("{value:?}").into()));
            }
        }
        struct Theirs(Arc<Mutex<Told>>);
        impl<S: Subscriber> Layer<S> for Theirs {
            fn on_new_span(&self, span: &Attributes<'_>, _: &span::Id, _: layer::Context<'_, S>) {
                span.record(&mut *self.0.lock().unwrap());
            }
        }
        let properties = Properties { message_id: Some("m-1".into()), ..Properties::default() };
        let message = Message::read(&inbound("desk.events", "desk.filed", properties), "clerk");
        let told = Arc::<Mutex<Told>>::default();
        with_default(tracing_subscriber::registry().with(Theirs(Arc::clone(&told))), || {
            drop(message.span("clerk.desk.filed"));
        });
        let mut ours = vec![("queue", "clerk.desk.filed".into())];
        ours.extend(message.fields());
        assert_eq!(told.lock().unwrap().0, ours);
    }

    fn inbound(exchange: &str, routing_key: &str, properties: Properties) -> Inbound {
        Inbound::of(exchange, routing_key, "", properties)
    }

    #[test]
    fn without_any_property_the_routing_key_names_the_message() {
        let message =
            Message::read(&inbound("orders.events", "orders.order-placed", Properties::default()), "inventory");
        assert_eq!(message.name(), "orders.order-placed");
        assert_eq!((message.attempt(), message.message_id(), message.sent_at()), (1, None, None));
        assert!(!message.correlation_id().is_empty());
    }

    #[test]
    fn the_type_property_goes_before_a_cloud_events_header_and_that_before_the_routing_key() {
        let mut properties = Properties::default();
        properties.set_text("cloudEvents:type", "a.cloud");
        properties.set_text("cloudEvents_id", "e-1");
        let message = Message::read(&inbound("x", "a.key", properties.clone()), "s");
        assert_eq!((message.name(), message.message_id()), ("a.cloud", Some("e-1")));
        properties.kind = Some("a.type".into());
        assert_eq!(Message::read(&inbound("x", "a.key", properties), "s").name(), "a.type");
    }

    #[test]
    fn what_a_device_says_bears_its_name_and_the_name_of_the_message() {
        let read = |exchange: &str, properties: Properties| {
            let message =
                Message::read(&inbound(exchange, "warehouse.stock-counted.scanner-1", properties), "inventory");
            let key = if message.device().is_some() {
                "warehouse.stock-counted"
            } else {
                "warehouse.stock-counted.scanner-1"
            };
            assert_eq!(message.published_as(), key);
            (message.name().to_owned(), message.device().map(str::to_owned))
        };
        let from = |name: &str, device: Option<&str>| (name.to_owned(), device.map(str::to_owned));
        let plain = Properties::default;
        assert_eq!(read("inventory.devices", plain()), from("warehouse.stock-counted", Some("scanner-1")));
        // A type does not hide who it was.
        let typed = Properties { kind: Some("a.type".into()), ..plain() };
        assert_eq!(read("inventory.devices", typed), from("a.type", Some("scanner-1")));
        for other in ["orders.events", "orders.devices", "devices", "xinventory.devices"] {
            assert_eq!(read(other, plain()), from("warehouse.stock-counted.scanner-1", None));
        }
        let mut again = plain();
        again.set_text(header::ORIGIN_EXCHANGE, "inventory.devices");
        again.set_text(header::ORIGIN_KEY, "warehouse.stock-counted.scanner-2");
        assert_eq!(read("inventory.redeliver", again.clone()), from("warehouse.stock-counted", Some("scanner-2")));
        assert_eq!(read("orders.events", again).1, None);
    }

    #[test]
    fn an_id_that_is_too_long_to_go_on_is_no_id() {
        let mut properties = Properties { message_id: Some("m-1".into()), ..Properties::default() };
        properties.set_text(header::CONVERSATION_ID, "c".repeat(SHORT_STRING_LIMIT + 1));
        let message = Message::read(&inbound("x", "a.key", properties), "s");
        assert_eq!(message.correlation_id(), "m-1");
        let mut properties = Properties::default();
        properties.set_text("cloudEvents_id", "e".repeat(SHORT_STRING_LIMIT + 1));
        assert_eq!(Message::read(&inbound("x", "a.key", properties), "s").message_id(), None);
    }

    #[test]
    fn a_deadline_is_the_callers_and_nobody_calls_a_command() {
        let left = |deadline: u64, reply_to: Option<&str>| {
            let mut properties = Properties { reply_to: reply_to.map(str::to_owned), ..Properties::default() };
            properties.set_integer(header::DEADLINE, deadline);
            Message::read(&inbound("x", "a.key", properties), "s").time_left()
        };
        assert_eq!(left(1, Some("desk.reply.1")), Some(Duration::ZERO));
        let minute = left(now_in_milliseconds() + 60_000, Some("desk.reply.1")).unwrap();
        assert!(minute > Duration::from_secs(50) && minute <= Duration::from_secs(60), "{minute:?}");
        assert_eq!(left(1, None), None);
    }

    #[test]
    fn only_what_came_back_through_the_own_retry_exchange_is_believed() {
        let mut properties = Properties::default();
        properties.set_integer(header::ATTEMPT, 5);
        properties.set_text(header::ORIGIN_KEY, "orders.order-placed");
        let forged =
            Message::read(&inbound("orders.events", "orders.order-cancelled", properties.clone()), "inventory");
        assert_eq!((forged.attempt(), forged.name()), (1, "orders.order-cancelled"));
        let ours = Message::read(&inbound("inventory.redeliver", "1000.inventory.q", properties), "inventory");
        assert_eq!((ours.attempt(), ours.name()), (5, "orders.order-placed"));
    }
}
