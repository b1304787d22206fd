//! What is on its way to the broker on one channel.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use lapin::Confirmation;

/// Messages that were published and are not settled.
///
/// The client tells of each twice, when it is written and when it is confirmed, and wakes a task on another thread each time. The
/// first is of no interest. So while the client is to tell of the newest alone, its confirm is waited for and nothing else.
pub(super) struct Flight<Newest, N, F, C> {
    /// Begins to wait for the confirm of the newest. The client forgets to end that once another message follows.
    begin: Newest,
    newest: Option<Pin<Box<N>>>,
    /// Given to the client, and perhaps not written yet. They are written in this order.
    writing: VecDeque<Writing<F>>,
    /// Where futures were that have ended: they are so large that a new place would cost more than what they do.
    places: Vec<Place<F>>,
    confirming: FuturesUnordered<Confirming<C>>,
    settled: Vec<Sent>,
}

/// What became of a message.
pub(super) struct Sent {
    pub(super) number: u64,
    pub(super) outcome: lapin::Result<Confirmation>,
}

struct Writing<F> {
    number: u64,
    written: Place<F>,
}

type Place<F> = Pin<Box<Option<F>>>;

struct Confirming<C> {
    number: u64,
    confirm: C,
}

/// Few are ever being written at a time.
const PLACES: usize = 16;

/// Whatever was settled before a message is given with it, for it may bear that one's return. So all are looked at again after the
/// last one that was found, and more than once, since one of whose settlement another thread is just telling is passed over.
const LOOKS: usize = 3;

impl<Newest, N, F, C> Flight<Newest, N, F, C>
where
    Newest: Fn() -> N,
    N: Future,
    F: Future<Output = lapin::Result<C>>,
    C: Future<Output = lapin::Result<Confirmation>> + Unpin,
{
    pub(super) fn new(begin: Newest) -> Self {
        Self {
            begin,
            newest: None,
            writing: VecDeque::new(),
            places: Vec::new(),
            confirming: FuturesUnordered::new(),
            settled: Vec::new(),
        }
    }

    /// Publishes, after all that was published before. What does so ends with the message's confirm, once it is written.
    pub(super) fn send(&mut self, number: u64, publish: impl FnOnce() -> F) {
        let mut written = self.places.pop().unwrap_or_else(|| Box::pin(None));
        written.set(Some(publish()));
        self.newest = None;
        // Asked for the first time, the client takes the message.
        match poll(&mut written, &mut Context::from_waker(Waker::noop())) {
            Poll::Pending => self.writing.push_back(Writing { number, written }),
            Poll::Ready(outcome) => self.note_written(number, written, outcome),
        }
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
            self.note_written(number, written, outcome);
        }
    }

    /// Ready once the newest is confirmed, or when the client cannot tell.
    fn poll_newest(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let newest = self.newest.get_or_insert_with(|| Box::pin((self.begin)()));
        let polled = newest.as_mut().poll(context).map(drop);
        if polled.is_ready() {
            self.newest = None;
        }
        polled
    }

    fn note_written(&mut self, number: u64, mut place: Place<F>, outcome: lapin::Result<C>) {
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

fn poll<F: Future>(place: &mut Place<F>, context: &mut Context<'_>) -> Poll<F::Output> {
    place.as_mut().as_pin_mut().map_or(Poll::Pending, |future| future.poll(context))
}

impl<C: Future<Output = lapin::Result<Confirmation>> + Unpin> Future for Confirming<C> {
    type Output = Sent;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Sent> {
        let number = self.number;
        self.confirm.poll_unpin(context).map(|outcome| Sent { number, outcome })
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};
    use std::task::Wake;

    use futures_util::future::BoxFuture;
    use tokio::sync::oneshot;

    use super::*;

    type Confirm = BoxFuture<'static, lapin::Result<Confirmation>>;
    type Publish = BoxFuture<'static, lapin::Result<Confirm>>;
    type Newest = BoxFuture<'static, ()>;
    type Example = Flight<Box<dyn Fn() -> Newest>, Newest, Publish, Confirm>;

    /// As the client is towards a flight: the wait for the newest begins once, and ends with its confirm.
    #[derive(Clone, Default)]
    struct Client(Arc<Mutex<Option<oneshot::Receiver<()>>>>);

    /// One message, as the client sees it.
    struct Post {
        written: oneshot::Sender<()>,
        confirmed: oneshot::Sender<()>,
        newest: oneshot::Sender<()>,
    }

    impl Post {
        /// It is written. What confirms it is left.
        fn write(self) -> impl FnOnce() {
            let Self { written, confirmed, newest } = self;
            written.send(()).unwrap();
            move || {
                confirmed.send(()).unwrap();
                let _nobody_may_wait_for_it = newest.send(());
            }
        }
    }

    impl Client {
        fn flight(&self) -> Example {
            let client = self.clone();
            Flight::new(Box::new(move || {
                let newest = client.0.lock().unwrap().take();
                let resolved = async move {
                    // A message that another one has followed resolves nothing.
                    if let Some(newest) = newest
                        && newest.await.is_err()
                    {
                        pending::<()>().await;
                    }
                };
                resolved.boxed()
            }))
        }

        /// A message, and what publishes it. Before its confirm is told, something may happen.
        fn post(&self, before: impl FnOnce() + Send + 'static) -> (Post, BoxFuture<'static, lapin::Result<Confirm>>) {
            let ((written, when_written), (confirmed, when_confirmed)) = (oneshot::channel(), oneshot::channel());
            let (newest, when_newest) = oneshot::channel();
            *self.0.lock().unwrap() = Some(when_newest);
            let publish = async move {
                when_written.await.unwrap();
                let confirm = async move {
                    when_confirmed.await.unwrap();
                    before();
                    Ok(Confirmation::Ack(None))
                };
                Ok(confirm.boxed())
            };
            (Post { written, confirmed, newest }, publish.boxed())
        }
    }

    /// Counts how often a task was woken.
    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Woken {
        /// Since it was asked last.
        fn times(&self) -> usize {
            self.0.swap(0, Ordering::Relaxed)
        }
    }

    /// The numbers of those that are settled now.
    fn look(flight: &mut Example, woken: &Arc<Woken>) -> Vec<u64> {
        match flight.poll_settled(&mut Context::from_waker(&Waker::from(Arc::clone(woken)))) {
            Poll::Ready(settled) => settled.iter().map(|sent| sent.number).collect(),
            Poll::Pending => Vec::new(),
        }
    }

    #[test]
    fn nobody_is_woken_when_a_message_alone_is_written_but_when_it_is_confirmed() {
        let (client, woken) = (Client::default(), Arc::<Woken>::default());
        let mut flight = client.flight();
        for number in 0..3 {
            let (post, publish) = client.post(|| {});
            flight.send(number, || publish);
            assert!(look(&mut flight, &woken).is_empty());
            let confirm = post.write();
            assert_eq!(woken.times(), 0);
            confirm();
            assert_eq!(woken.times(), 1);
            assert_eq!(look(&mut flight, &woken), [number]);
            assert!(flight.is_empty());
        }
    }

    #[test]
    fn a_message_waits_for_none_that_is_confirmed_later_or_never() {
        let (client, woken) = (Client::default(), Arc::<Woken>::default());
        let mut flight = client.flight();
        let (first, publish) = client.post(|| {});
        flight.send(1, || publish);
        assert!(look(&mut flight, &woken).is_empty());
        let (second, publish) = client.post(|| {});
        flight.send(2, || publish);
        assert!(look(&mut flight, &woken).is_empty());
        // The first is not the newest any more, so whoever waits for that would wait for ever.
        let confirm_first = first.write();
        assert!(woken.times() > 0);
        assert!(look(&mut flight, &woken).is_empty());
        assert!(look(&mut flight, &woken).is_empty());
        let confirm_second = second.write();
        woken.times();
        confirm_second();
        assert!(woken.times() > 0);
        assert_eq!(look(&mut flight, &woken), [2]);
        confirm_first();
        assert!(woken.times() > 0);
        assert_eq!(look(&mut flight, &woken), [1]);
    }

    #[test]
    fn whatever_was_settled_before_a_message_is_given_with_it_also_what_was_just_being_written() {
        let (client, woken) = (Client::default(), Arc::<Woken>::default());
        let mut flight = client.flight();
        let bearer = Arc::<Mutex<Option<Post>>>::default();
        let settles = Arc::clone(&bearer);
        let (first, publish) = client.post(move || settles.lock().unwrap().take().unwrap().write()());
        flight.send(1, || publish);
        let confirm = first.write();
        assert!(look(&mut flight, &woken).is_empty());
        let (second, publish) = client.post(|| {});
        flight.send(2, || publish);
        *bearer.lock().unwrap() = Some(second);
        assert!(look(&mut flight, &woken).is_empty());
        confirm();
        assert_eq!(look(&mut flight, &woken), [1, 2]);
    }

    #[test]
    fn what_the_client_refuses_at_once_is_settled() {
        let (client, woken) = (Client::default(), Arc::<Woken>::default());
        let mut flight = client.flight();
        let closed = lapin::Error::from(std::io::Error::other("the channel is closed"));
        flight.send(7, || ready(Err(closed)).boxed());
        assert_eq!(flight.len(), 1);
        assert_eq!(look(&mut flight, &woken), [7]);
    }
}
