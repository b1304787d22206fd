//! The replies to a request that is answered with several.

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use garenne_contract::Request;
use tokio::time::{Instant, Sleep, sleep_until};

use super::AskError;
use super::requester::{Call, answered, read};
use super::unread::{UNREAD, Unread};
use super::waiters::{Place, WaitingForMany};
use crate::broker::Inbound;
use crate::publisher::{Publisher, header};
use crate::telemetry::Span;

/// The replies to one request, in the order in which the responder gave them: a [`Stream`], and [`Answers::next`].
///
/// It ends with `None` once the responder has said that these were all, or with one error. The deadline of the request is for
/// all of them together; what has come and was not read by then may be read after it, and nothing else. A responder that answers with a single reply gives
/// one.
///
/// At most 1,024 replies and 64 MiB of them wait to be read; more end it with [`AskError::Overrun`]. Dropping it forgets the call: the responder
/// learns that at the deadline.
///
/// ```
/// use garenne::{AskError, Client, NoError, Request};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Request, Serialize, Deserialize)]
/// #[request(name = "inventory.list-stock", reply = StockLevel)]
/// struct ListStock {}
///
/// #[derive(Serialize, Deserialize)]
/// struct StockLevel {
///     sku: String,
///     units: u32,
/// }
///
/// async fn count<S: Send + Sync + 'static>(client: &Client<S>) -> Result<u32, AskError<NoError>> {
///     let mut levels = client.ask_many(&ListStock {}).await?;
///     let mut units = 0;
///     while let Some(level) = levels.next().await {
///         units += level?.units;
///     }
///     Ok(units)
/// }
/// ```
#[must_use = "dropping it forgets the call"]
pub struct Answers<R: Request> {
    request: &'static str,
    replies: Unread,
    deadline: Pin<Box<Sleep>>,
    /// Whether it has passed.
    late: bool,
    patience: Duration,
    started: Instant,
    publisher: Publisher,
    /// Which run of the responder's handler is listened to.
    run: Option<String>,
    received: u64,
    /// Nothing once no more are waited for: the call is forgotten then.
    place: Option<Place>,
    ended: bool,
    request_type: PhantomData<fn() -> R>,
    /// Nothing once it has ended.
    span: Option<Span>,
}

/// What a message means.
enum Heard<T> {
    Reply(T),
    /// A reply that is the only one.
    Whole(T),
    /// It came before.
    Again,
    End,
}

impl<R: Request> Answers<R> {
    pub(super) fn new(call: Call, waiting: WaitingForMany, publisher: Publisher) -> Self {
        let WaitingForMany { place, replies } = waiting;
        let Call { request, patience, started, deadline, span, .. } = call;
        Self {
            request,
            replies,
            deadline: Box::pin(sleep_until(deadline)),
            late: false,
            patience,
            started,
            publisher,
            run: None,
            received: 0,
            place: Some(place),
            ended: false,
            request_type: PhantomData,
            span: Some(span),
        }
    }

    /// The next reply. `None` after the last one, and after an error.
    pub async fn next(&mut self) -> Option<Result<R::Reply, AskError<R::Error>>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    fn hear(&mut self, inbound: &Inbound) -> Result<Heard<R::Reply>, AskError<R::Error>> {
        let properties = &inbound.properties;
        let number = |name| properties.integer(name).and_then(|number| u64::try_from(number).ok());
        let interrupted = AskError::Interrupted { request: self.request, received: self.received };
        let Some(run) = properties.text(header::REPLY_RUN) else {
            // A problem, or a responder that knows of one reply only.
            return match read::<R>(inbound) {
                Ok(_) if self.received > 0 => Err(interrupted),
                read => read.map(Heard::Whole),
            };
        };
        if self.received == 0 {
            // Whoever began before, nothing of it has been heard.
            self.run = Some(run.to_owned());
        }
        if self.run.as_deref() != Some(run) {
            return Err(interrupted);
        }
        if let Some(count) = number(header::REPLY_COUNT) {
            return if count == self.received { Ok(Heard::End) } else { Err(interrupted) };
        }
        match number(header::REPLY_NUMBER) {
            // A message whose confirm was lost is sent again.
            Some(number) if number <= self.received => Ok(Heard::Again),
            Some(number) if number == self.received + 1 => {
                self.received = number;
                read::<R>(inbound).map(Heard::Reply)
            }
            _ => Err(interrupted),
        }
    }

    /// No more will come.
    fn forget(&mut self) {
        self.place = None;
        self.replies.close();
    }

    /// No more will be given.
    fn end(&mut self, error: Option<&AskError<R::Error>>) {
        self.ended = true;
        if let Some(span) = self.span.take() {
            answered(span, error);
        }
        self.forget();
    }
}

impl<R: Request> Stream for Answers<R> {
    type Item = Result<R::Reply, AskError<R::Error>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        // First, since replies may come for ever.
        if !self.late && self.deadline.as_mut().poll(context).is_ready() {
            self.late = true;
            self.forget();
        }
        let request = self.request;
        loop {
            let error = match self.replies.poll_next(context) {
                Poll::Ready(Some(inbound)) => match self.hear(&inbound) {
                    Ok(Heard::Again) => continue,
                    Ok(Heard::Reply(reply)) => return Poll::Ready(Some(Ok(reply))),
                    Ok(Heard::Whole(reply)) => {
                        self.publisher.metrics().answered(request, self.started.elapsed());
                        self.end(None);
                        return Poll::Ready(Some(Ok(reply)));
                    }
                    Ok(Heard::End) => {
                        self.publisher.metrics().answered(request, self.started.elapsed());
                        self.end(None);
                        return Poll::Ready(None);
                    }
                    Err(error) => error,
                },
                Poll::Ready(None) if self.replies.is_overrun() => AskError::Overrun { request, limit: UNREAD },
                Poll::Ready(None) if self.late => {
                    self.publisher.metrics().timed_out(request);
                    AskError::Timeout { request, waited: self.patience }
                }
                Poll::Ready(None) => AskError::Disconnected { request },
                Poll::Pending => return Poll::Pending,
            };
            self.end(Some(&error));
            return Poll::Ready(Some(Err(error)));
        }
    }
}

impl<R: Request> fmt::Debug for Answers<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers")
            .field("request", &self.request)
            .field("received", &self.received)
            .finish_non_exhaustive()
    }
}
