//! What is on its way to the broker on one channel.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use lapin::options::BasicPublishOptions;
use lapin::{Channel, Confirmation, PublisherConfirm};

use super::direct::DIRECT_REPLY_TO;
use super::lane::Message;
use super::properties::{TooLongForTheWire, Wire};

/// Messages that were published and are not settled.
///
/// The client tells of each twice, when it is written and when it is confirmed, and wakes a task on another thread each time. The
/// first is of no interest. So while the client is to tell of the newest alone, its confirm is waited for and nothing else.
pub(super) struct Flight<'a, F> {
    channel: &'a Channel,
    publish: fn(&'a Channel, Message, Wire) -> F,
    /// Given to the client, and perhaps not written yet. They are written in this order.
    writing: VecDeque<Writing<F>>,
    /// Where futures were that have ended: they are so large that a new place would cost more than what they do.
    places: Vec<PlaceFor<F>>,
    confirming: FuturesUnordered<Confirming>,
    /// Ends with the confirm of the newest. The client forgets to end it once another message follows, so each one begins it anew.
    newest: Option<BoxFuture<'a, ()>>,
    settled: Vec<Sent>,
}

/// What became of a message.
pub(super) struct Sent {
    pub(super) number: u64,
    pub(super) outcome: lapin::Result<Confirmation>,
}

struct Writing<F> {
    number: u64,
    written: PlaceFor<F>,
}

type PlaceFor<F> = Pin<Box<Option<F>>>;

/// Few are ever being written at a time.
const PLACES: usize = 16;

/// Whatever was settled before a message is given with it, for it may bear that one's return. So all are looked at again after the
/// last one that was found, and more than once, since one of whose settlement another thread is just telling is passed over.
const LOOKS: usize = 3;

struct Confirming {
    number: u64,
    confirm: PublisherConfirm,
}

/// Nothing yet, on this channel.
pub(super) fn begin(channel: &Channel) -> Flight<'_, impl Future<Output = lapin::Result<PublisherConfirm>>> {
    Flight {
        channel,
        publish,
        writing: VecDeque::new(),
        places: Vec::new(),
        confirming: FuturesUnordered::new(),
        newest: None,
        settled: Vec::new(),
    }
}

impl<'a, F: Future<Output = lapin::Result<PublisherConfirm>>> Flight<'a, F> {
    /// Publishes, after all that was published before.
    pub(super) fn send(&mut self, number: u64, message: Message) -> Result<(), TooLongForTheWire> {
        let wire = Wire::of(&message.0)?;
        let mut written = self.places.pop().unwrap_or_else(|| Box::pin(None));
        written.set(Some((self.publish)(self.channel, message, wire)));
        self.newest = None;
        // Asked for the first time, the client takes the message.
        match poll(&mut written, &mut Context::from_waker(Waker::noop())) {
            Poll::Pending => self.writing.push_back(Writing { number, written }),
            Poll::Ready(outcome) => self.written(number, written, outcome),
        }
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.writing.len() + self.confirming.len() + self.settled.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits until something is settled, and gives all that is. Cancel-safe.
    pub(super) async fn settled(&mut self) -> Vec<Sent> {
        poll_fn(|context| self.poll_settled(context)).await
    }

    fn poll_settled(&mut self, context: &mut Context<'_>) -> Poll<Vec<Sent>> {
        let mut looks = 0;
        while looks < LOOKS {
            let found = self.settled.len();
            self.poll_writing(context);
            while let Poll::Ready(Some(sent)) = self.confirming.poll_next_unpin(context) {
                self.settled.push(sent);
            }
            looks = match self.settled.len() {
                0 => LOOKS,
                more if more > found => 0,
                _ => looks + 1,
            };
        }
        if self.settled.is_empty() { Poll::Pending } else { Poll::Ready(std::mem::take(&mut self.settled)) }
    }

    /// Asks to be woken when the first is written, or for a single one when it is confirmed.
    fn poll_writing(&mut self, context: &mut Context<'_>) {
        if self.writing.len() == 1 {
            self.poll_written(&mut Context::from_waker(Waker::noop()));
            if self.writing.is_empty() || self.poll_newest(context).is_pending() {
                return;
            }
        }
        self.poll_written(context);
    }

    fn poll_written(&mut self, context: &mut Context<'_>) {
        while let Some(Writing { written, .. }) = self.writing.front_mut()
            && let Poll::Ready(outcome) = poll(written, context)
            && let Some(Writing { number, written }) = self.writing.pop_front()
        {
            self.written(number, written, outcome);
        }
    }

    /// Ready once the newest is confirmed, or when the client cannot tell.
    fn poll_newest(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let channel = self.channel;
        let newest = self.newest.get_or_insert_with(|| channel.wait_for_confirms().map(drop).boxed());
        let polled = newest.as_mut().poll(context);
        if polled.is_ready() {
            self.newest = None;
        }
        polled
    }

    fn written(&mut self, number: u64, mut place: PlaceFor<F>, outcome: lapin::Result<PublisherConfirm>) {
        if self.places.len() < PLACES {
            place.set(None);
            self.places.push(place);
        }
        match outcome {
            Ok(mut confirm) => match (&mut confirm).now_or_never() {
                None => self.confirming.push(Confirming { number, confirm }),
                Some(outcome) => self.settled.push(Sent { number, outcome }),
            },
            Err(error) => self.settled.push(Sent { number, outcome: Err(error) }),
        }
    }
}

fn poll<F: Future>(place: &mut PlaceFor<F>, context: &mut Context<'_>) -> Poll<F::Output> {
    place.as_mut().as_pin_mut().map_or(Poll::Pending, |future| future.poll(context))
}

impl Future for Confirming {
    type Output = Sent;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Sent> {
        let number = self.number;
        self.confirm.poll_unpin(context).map(|outcome| Sent { number, outcome })
    }
}

async fn publish(
    channel: &Channel,
    message: Message,
    Wire { exchange, routing_key, properties }: Wire,
) -> lapin::Result<PublisherConfirm> {
    let outgoing = &message.0;
    // Replies through direct reply-to come back as unroutable on 3.10 although they are delivered. Through any other exchange
    // it is a key like all others, which a sender may have chosen.
    let direct = outgoing.exchange.is_empty() && outgoing.routing_key.starts_with(DIRECT_REPLY_TO);
    let options = BasicPublishOptions { mandatory: !direct, ..Default::default() };
    channel.basic_publish(exchange, routing_key, options, &outgoing.body, properties).await
}
