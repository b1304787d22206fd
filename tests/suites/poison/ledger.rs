//! What was sent, what shall become of it, and what became of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use tests::Received;
use tests::frame::Reader;

use super::draft::{CORRELATION_ID, Expected, HEADERS, MESSAGE_ID};

/// One message.
#[derive(Debug)]
struct Entry {
    kind: &'static str,
    expected: Expected,
    /// Each outcome that was seen, in words.
    seen: Vec<String>,
}

/// Every message by its number.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    entries: Vec<Entry>,
    outstanding: usize,
    /// What came and belongs to no message.
    pub(super) strange: Vec<String>,
}

impl Ledger {
    /// Enters the next message.
    pub(super) fn enter(&mut self, kind: &'static str, expected: Expected) {
        self.entries.push(Entry { kind, expected, seen: Vec::new() });
        if waits(expected) {
            self.outstanding += 1;
        }
    }

    /// So many messages have no outcome yet.
    pub(super) fn outstanding(&self) -> usize {
        self.outstanding
    }

    /// The first of them, in words.
    pub(super) fn missing(&self) -> String {
        let missing =
            self.entries.iter().enumerate().filter(|(_, entry)| waits(entry.expected) && entry.seen.is_empty());
        let words = missing.take(20).map(|(number, entry)| format!("{number} ({}, {:?})", entry.kind, entry.expected));
        words.collect::<Vec<_>>().join(", ")
    }

    /// The broker did not take it.
    pub(super) fn refused(&mut self, number: u32, code: u16) {
        self.saw(Some(number), format!("refused {code}"));
    }

    /// Something came to the suite.
    pub(super) fn received(&mut self, received: &Received) {
        let marks = Marks::of(&received.properties);
        match received.tag.as_slice() {
            b"handled" => {
                let closed = serde_json::from_slice::<tests::clerk::TicketClosed>(&received.body).expect("an event");
                let id = closed.message_id.as_deref().and_then(|id| number_in(id.as_bytes()));
                self.saw(id.or(Some(closed.number)), "handled".to_owned());
            }
            b"dead" => {
                let number = marks.message_id.as_deref().and_then(number_in).or(marks.poison);
                self.saw(number, format!("dead: {}", marks.reason.unwrap_or_default()));
            }
            _ => self.saw(marks.correlation_id.as_deref().and_then(number_in), "answered".to_owned()),
        }
    }

    fn saw(&mut self, number: Option<u32>, outcome: String) {
        let entry = number.and_then(|number| usize::try_from(number).ok()).and_then(|at| self.entries.get_mut(at));
        let Some(entry) = entry else {
            self.strange.push(format!("{number:?} {outcome}"));
            return;
        };
        if entry.seen.is_empty() && waits(entry.expected) {
            self.outstanding -= 1;
        }
        entry.seen.push(outcome);
    }

    /// Whatever did not end as it should have.
    pub(super) fn wrong(&self) -> Vec<String> {
        let wrong = self.entries.iter().enumerate().filter(|(_, entry)| !entry.is_right());
        wrong
            .map(|(number, Entry { kind, expected, seen })| format!("{number} {kind}: {expected:?}, was {seen:?}"))
            .collect()
    }

    /// Outcomes beyond the first of each message.
    pub(super) fn doubled(&self) -> usize {
        self.entries.iter().map(|entry| entry.seen.len().saturating_sub(1)).sum()
    }

    /// So many messages were expected to end like this.
    pub(super) fn expected(&self, expected: Expected) -> usize {
        self.entries.iter().filter(|entry| entry.expected == expected).count()
    }

    /// Outcomes by kind, as a table.
    pub(super) fn table(&self) -> String {
        let mut kinds: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
        let mut all: BTreeMap<&str, usize> = BTreeMap::new();
        for entry in &self.entries {
            let outcome = entry.seen.first().map_or("answered to nobody", String::as_str);
            *kinds.entry(entry.kind).or_default().entry(outcome).or_default() += 1;
            *all.entry(outcome).or_default() += 1;
        }
        let mut table = String::new();
        for (kind, outcomes) in kinds.iter().chain([(&"all", &all)]) {
            let count: usize = outcomes.values().sum();
            let words: Vec<String> = outcomes.iter().map(|(outcome, count)| format!("{outcome} {count}")).collect();
            // Writing into a String cannot fail.
            let _ = writeln!(table, "{kind:30} {count:7}  {}", words.join(", "));
        }
        table
    }
}

impl Entry {
    fn is_right(&self) -> bool {
        let all = |right: &dyn Fn(&str) -> bool| self.seen.iter().all(|seen| right(seen));
        let refused = !self.seen.is_empty() && all(&|seen| seen.starts_with("refused"));
        let right = match self.expected {
            Expected::Handled => all(&|seen| seen == "handled"),
            Expected::Dead(reason) => all(&|seen| seen == format!("dead: {reason}")),
            Expected::HandledOrDead(reason) => all(&|seen| seen == "handled" || seen == format!("dead: {reason}")),
            Expected::Answered => all(&|seen| seen == "answered"),
            Expected::Unheard => return self.seen.is_empty(),
            Expected::Refused => refused,
        };
        refused || (right && !self.seen.is_empty())
    }
}

fn waits(expected: Expected) -> bool {
    !matches!(expected, Expected::Unheard)
}

/// By what a message is recognised, and why it is dead.
#[derive(Debug, Default)]
struct Marks {
    message_id: Option<Vec<u8>>,
    correlation_id: Option<Vec<u8>>,
    poison: Option<u32>,
    reason: Option<String>,
}

impl Marks {
    fn of(properties: &[u8]) -> Self {
        let mut reader = Reader::new(properties);
        let flags = reader.u16().unwrap_or_default();
        let mut marks = Self::default();
        for bit in (2..=15_u8).rev().filter(|bit| flags & (1 << bit) != 0) {
            match bit {
                HEADERS => marks.read(reader.long_string().unwrap_or_default()),
                11 | 12 => reader.skip(1),
                6 => reader.skip(8),
                MESSAGE_ID => marks.message_id = reader.short_string().map(<[u8]>::to_vec),
                CORRELATION_ID => marks.correlation_id = reader.short_string().map(<[u8]>::to_vec),
                _ => drop(reader.short_string()),
            }
        }
        marks
    }

    fn read(&mut self, table: &[u8]) {
        let mut reader = Reader::new(table);
        let mut broker = None;
        while !reader.is_at_end() {
            let name = reader.short_string().unwrap_or_default();
            let Some((_, value)) = reader.value() else { break };
            let text = || Some(String::from_utf8_lossy(value).into_owned());
            match name {
                b"poison" => {
                    self.poison = value.try_into().ok().and_then(|bytes| u32::try_from(u64::from_be_bytes(bytes)).ok());
                }
                b"garenne-reason" => self.reason = text(),
                b"x-first-death-reason" => broker = text(),
                _ => {}
            }
        }
        self.reason = self.reason.take().or(broker);
    }
}

fn number_in(id: &[u8]) -> Option<u32> {
    str::from_utf8(id).ok()?.strip_prefix("p-")?.parse().ok()
}
