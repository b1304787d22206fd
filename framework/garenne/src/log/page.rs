//! What a reader of a log gets.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use garenne_contract::Event;

use crate::broker::{Inbound, substituted};
use crate::consumer::{cut, read_plainly, sent_at};
use crate::publisher::{Operation, about_messages, header};
use crate::telemetry::{About, Trace};

/// The header in which the broker says where in the log an entry stands.
const OFFSET: &str = "x-stream-offset";

/// Some entries of a log, one after the other. What is done about them is committed together.
///
/// ```
/// use garenne::log::Page;
/// use garenne::{Classify, Context, Event, Failure, Service};
/// # use garenne::log::{Log, Reading};
/// # use garenne::store::Store;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Event, Serialize, Deserialize)]
/// #[event(name = "orders.order-confirmed", key = order_id)]
/// struct OrderConfirmed {
///     order_id: String,
/// }
///
/// struct Statistics {
///     store: Store,
/// }
///
/// async fn count_orders(page: Page, ctx: Context<Statistics>) -> Result<(), Failure> {
///     let orders = page.events::<OrderConfirmed>().count();
///     let mut transaction = ctx.transaction().await?;
///     let add = sqlx::query("UPDATE orders SET units = units + $1").bind(i64::try_from(orders).or_retry()?);
///     add.execute(&mut **transaction).await.or_retry()?;
///     Ok(())
/// }
///
/// fn service() -> Service<Statistics> {
///     Service::new("statistics")
///         .stores_in(|statistics: &Statistics| &statistics.store)
///         .keeps(Log::new("shop").of(["orders"]))
///         .reads(Reading::new("shop", "orders"), count_orders)
/// }
/// # assert_eq!(service().faults(), []);
/// ```
#[derive(Debug)]
pub struct Page {
    all: Arc<[Logged]>,
    /// The first of all that was not done before.
    from: usize,
    missed: u64,
    notes: Arc<Notes>,
}

/// One event as it stands in a log.
#[derive(Debug)]
pub struct Logged {
    offset: i64,
    /// In plain, whichever way it was sent.
    inbound: Inbound,
    /// Why nobody can read it, if so.
    unfit: Option<String>,
}

/// What is said about a page while it is worked.
#[derive(Debug)]
pub(super) struct Notes {
    unreadable: Mutex<Vec<Unreadable>>,
    /// After which entry the reader goes on.
    last: AtomicI64,
}

/// An entry that was wanted and could not be read.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub(super) offset: i64,
    pub(super) name: String,
    pub(super) message_id: Option<String>,
    pub(super) error: String,
}

impl Page {
    /// Describes the reading of this page. Its entries belong to traces of their own.
    pub(super) fn tell(&self, about: &mut About, log: &str, reader: &str) {
        about_messages(about, Operation::PROCESS);
        about.name(format!("process {log}"));
        about.text("messaging.destination.name", log);
        about.text("messaging.consumer.group.name", reader);
        about.number("messaging.batch.message_count", self.entries().len());
        for entry in self.entries() {
            let properties = &entry.inbound.properties;
            let place = properties.text(header::TRACEPARENT);
            if let Some(place) = place.and_then(|place| Trace::parse(place, properties.text(header::TRACESTATE))) {
                about.link(&place);
            }
        }
    }

    pub(super) fn new(all: Arc<[Logged]>, from: usize, missed: u64) -> (Self, Arc<Notes>) {
        let last = AtomicI64::new(all.last().map_or(-1, Logged::place));
        let notes = Arc::new(Notes { unreadable: Mutex::default(), last });
        (Self { all, from, missed, notes: Arc::clone(&notes) }, notes)
    }

    /// All entries, in the order of the log. Never empty.
    #[must_use]
    pub fn entries(&self) -> &[Logged] {
        &self.all[self.from..]
    }

    /// The events of one type, in their order, each with its entry. What has the type's name and cannot be read is passed over as
    /// [`Page::read`] says.
    pub fn events<E: Event>(&self) -> impl Iterator<Item = (&Logged, E)> {
        self.entries().iter().filter_map(|entry| Some((entry, self.read(entry)?)))
    }

    /// The entry as this event; nothing when it is another one.
    ///
    /// An entry that has the event's name and cannot be read is nothing too, but not in silence: with the page it is counted in
    /// `garenne_offset.unreadable` and in the metric `garenne_log_unreadable_total`, and logged with its offset. In the log it stays.
    #[must_use]
    pub fn read<E: Event>(&self, entry: &Logged) -> Option<E> {
        if entry.name() != E::NAME.as_str() {
            return None;
        }
        let event = match &entry.unfit {
            None => serde_json::from_slice(entry.body()).map_err(|error| cut(&error.to_string()).to_owned()),
            Some(unfit) => Err(unfit.clone()),
        };
        match event {
            Ok(event) => Some(event),
            Err(error) => {
                let mut unreadable = self.notes.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
                if unreadable.iter().all(|known| known.offset != entry.offset) {
                    let message_id = entry.message_id().map(str::to_owned);
                    let (offset, name) = (entry.offset, entry.name().to_owned());
                    unreadable.push(Unreadable { offset, name, message_id, error });
                }
                None
            }
        }
    }

    /// Where the page's last entry stands in the log.
    #[must_use]
    pub fn last_offset(&self) -> u64 {
        self.all.last().map_or(0, Logged::offset)
    }

    /// How many entries before this page and within it the log no longer had: it is bounded, and the reader came too late for them,
    /// or has been [rewound](super::rewind) to before them. An offset that is left out by itself is none of them: the broker takes a
    /// place in the log for itself now and then. Among several it may have taken one, so it is this many at most.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// Goes on after this offset and not after the page's last entry, once the page is committed: further on, or back.
    pub fn go_on_after(&self, offset: u64) {
        self.notes.last.store(i64::try_from(offset).unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    /// Goes on with the oldest entry that the log has, once the page is committed.
    pub fn begin_again(&self) {
        self.notes.last.store(-1, Ordering::Relaxed);
    }
}

impl Logged {
    /// Nothing when the broker does not say where it stands, which it does for what comes from a stream. What the sender has made
    /// illegible stands where the next one was expected; that is at most as far as it is.
    pub(super) fn of(inbound: Inbound, expected: Option<i64>) -> Option<Self> {
        let told = inbound.properties.integer(OFFSET).filter(|offset| *offset >= 0);
        let offset = told.or_else(|| expected.filter(|_| substituted(&inbound).is_some()))?;
        let (inbound, failure) = read_plainly(inbound);
        Some(Self { offset, inbound, unfit: failure.map(|failure| failure.to_string()) })
    }

    pub(super) fn place(&self) -> i64 {
        self.offset
    }

    /// Where it stands in the log. Offsets rise from entry to entry, now and then by more than one.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset.unsigned_abs()
    }

    /// The event's name, `orders.order-placed`: the routing key, over which the owner's rights watch.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inbound.routing_key
    }

    /// The sender's id of the message; of a CloudEvent its source and its id. An event that is there twice has one id.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        self.inbound.properties.message_id()
    }

    /// Names the whole conversation.
    #[must_use]
    pub fn correlation_id(&self) -> Option<&str> {
        self.inbound.properties.correlation_id()
    }

    /// The message that made this one necessary.
    #[must_use]
    pub fn causation_id(&self) -> Option<&str> {
        self.inbound.properties.text(header::CAUSATION_ID)
    }

    /// The service that published it; of a CloudEvent its source.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        self.inbound.properties.app_id()
    }

    /// When it was published, by its sender's clock.
    #[must_use]
    pub fn sent_at(&self) -> Option<SystemTime> {
        sent_at(&self.inbound)
    }

    /// The event's JSON as it was sent: of a CloudEvent in structured mode, its data.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.inbound.body
    }
}

impl Notes {
    pub(super) fn last(&self) -> i64 {
        self.last.load(Ordering::Relaxed)
    }

    pub(super) fn unreadable(&self) -> Vec<Unreadable> {
        std::mem::take(&mut *self.unreadable.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::broker::Properties;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Filed {
        number: u32,
    }

    impl Event for Filed {
        const NAME: garenne_contract::MessageName = garenne_contract::MessageName::new("desk.filed");
    }

    fn logged(offset: i64, name: &str, body: &str) -> Logged {
        let mut properties = Properties::default();
        properties.set_integer(OFFSET, offset);
        Logged::of(Inbound::of("desk.events", name, body, properties), None).unwrap()
    }

    #[test]
    fn what_is_wanted_and_cannot_be_read_is_noted_once_and_what_is_not_wanted_is_no_fault() {
        let entries = [
            logged(7, "desk.filed", "{\"number\":1}"),
            logged(8, "desk.torn", "nonsense"),
            logged(9, "desk.filed", "nonsense"),
            logged(11, "desk.filed", "{\"number\":2}"),
        ];
        let (page, notes) = Page::new(entries.into(), 0, 0);
        for _ in 0..2 {
            let read: Vec<(u64, Filed)> = page.events().map(|(entry, filed)| (entry.offset(), filed)).collect();
            assert_eq!(read, [(7, Filed { number: 1 }), (11, Filed { number: 2 })]);
        }
        let unreadable: Vec<i64> = notes.unreadable().iter().map(|entry| entry.offset).collect();
        assert_eq!(unreadable, [9]);
    }

    #[test]
    fn what_does_not_come_from_a_stream_is_no_entry() {
        assert!(Logged::of(Inbound::of("x", "k", "", Properties::default()), Some(7)).is_none());
    }

    #[test]
    fn an_entry_with_a_forged_offset_stands_where_the_next_one_was_expected_and_cannot_be_read() {
        let mut properties = Properties::default();
        properties.set_integer("\u{1a}".repeat(OFFSET.len()), 1_000_000);
        let inbound = Inbound::of("desk.events", "desk.filed", "{}", properties);
        assert!(Logged::of(inbound.clone(), None).is_none());
        let entry = Logged::of(inbound, Some(8)).unwrap();
        assert!(entry.place() == 8 && entry.unfit.is_some(), "{entry:?}");
    }
}
