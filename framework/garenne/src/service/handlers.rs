//! From a typed function to what the library runs.

use std::any::type_name;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use garenne_contract::{Event, Request};

use super::service::Binds;
use super::{Client, Context};
use crate::broker::{Consume, Intake};
use crate::consumer::{Failure, Handler, Handlers, Message, Observed, decode, guard, read_plainly};
use crate::log::{Handle, Page};
use crate::rpc::{Dialect, Refusal, Replies, answer, answer_many};

/// The live feed waits for its observer, so that one may not take for ever.
const OBSERVE_DEADLINE: Duration = Duration::from_secs(60);

/// A handler that still needs the running service and the name of its queue.
pub(super) type Bind<S> = Box<dyn FnOnce(&Client<S>, &str) -> Handler + Send>;

/// A function for pages that still needs the running service.
pub(super) type BindPage<S> = Box<dyn FnOnce(&Client<S>) -> Handle + Send>;

/// Decodes the event and calls the function.
pub(super) fn event<S, E, F, Fut>(function: F, deadline: Duration) -> Bind<S>
where
    S: Send + Sync + 'static,
    E: Event,
    F: Fn(E, Context<S>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), Failure>> + Send + 'static,
{
    Box::new(move |client, queue| {
        let (client, queue) = (client.clone(), Arc::<str>::from(queue));
        let function = Arc::new(function);
        Handler {
            name: short_name::<F>(),
            run: Box::new(move |inbound, message| {
                let (client, function) = (client.clone(), Arc::clone(&function));
                let handling = client.parts.handling(&queue, E::NAME, &inbound, &message);
                let whole = handling.clone();
                // Reading the body may panic as well: a type may check itself.
                let handled = async move {
                    let event: E = decode(E::NAME.as_str(), &inbound.body)?;
                    let context = Context::new(&client, message, Some(handling.clone()));
                    let handled = function(event, context).await;
                    handling.conclude(handled, client.parts.publisher.metrics()).await
                };
                Box::pin(async move {
                    let ended = guard(deadline, handled).await;
                    if ended.is_err() {
                        whole.abandon();
                    }
                    ended
                })
            }),
        }
    })
}

/// Decodes the request, calls the function, and publishes the reply, as foreign clients want it if there is a dialect.
pub(super) fn request<S, R, F, Fut>(function: F, deadline: Duration, dialect: Option<&'static Dialect>) -> Bind<S>
where
    S: Send + Sync + 'static,
    R: Request,
    F: Fn(R, Context<S>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R::Reply, Refusal<R::Error>>> + Send + 'static,
{
    Box::new(move |client, queue| {
        let (client, queue) = (client.clone(), Arc::<str>::from(queue));
        let function = Arc::new(function);
        Handler {
            name: short_name::<F>(),
            run: Box::new(move |inbound, message| -> BoxFuture<'static, Result<(), Failure>> {
                let function = Arc::clone(&function);
                let handling = client.parts.handling(&queue, R::NAME, &inbound, &message);
                let context = Context::new(&client, Arc::clone(&message), Some(handling.clone()));
                let run = async move |request: R| function(request, context).await;
                let publisher = client.parts.publisher.clone();
                Box::pin(answer::<R>(publisher, inbound, message, handling, deadline, dialect, run))
            }),
        }
    })
}

/// Decodes the request, and calls the function with what takes its replies.
pub(super) fn request_of_many<S, R, F, Fut>(
    function: F,
    deadline: Duration,
    dialect: Option<&'static Dialect>,
) -> Bind<S>
where
    S: Send + Sync + 'static,
    R: Request,
    F: Fn(R, Context<S>, Replies<R::Reply>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), Refusal<R::Error>>> + Send + 'static,
{
    Box::new(move |client, _| {
        let (client, function) = (client.clone(), Arc::new(function));
        Handler {
            name: short_name::<F>(),
            run: Box::new(move |inbound, message| -> BoxFuture<'static, Result<(), Failure>> {
                let function = Arc::clone(&function);
                let context = Context::new(&client, Arc::clone(&message), None);
                let run = async move |request: R, replies| function(request, context, replies).await;
                let publisher = client.parts.publisher.clone();
                Box::pin(answer_many::<R>(publisher, inbound, message, deadline, dialect, run))
            }),
        }
    })
}

/// Calls the function with every page of a log.
pub(super) fn page<S, F, Fut>(function: F) -> BindPage<S>
where
    S: Send + Sync + 'static,
    F: Fn(Page, Context<S>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), Failure>> + Send + 'static,
{
    Box::new(move |client| {
        let (client, function) = (client.clone(), Arc::new(function));
        Box::new(move |page, message, handling| {
            let context = Context::new(&client, Arc::new(message), Some(handling));
            let function = Arc::clone(&function);
            Box::pin(async move { function(page, context).await })
        })
    })
}

/// Calls the function with every event of the live feed, one after the other.
pub(super) fn observer<S, F, Fut>(function: F, client: &Client<S>) -> Consume
where
    S: Send + Sync + 'static,
    F: Fn(Observed, Context<S>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let (client, function) = (client.clone(), Arc::new(function));
    Arc::new(move |mut intake: Intake| {
        let (client, function) = (client.clone(), Arc::clone(&function));
        Box::pin(async move {
            while let Some(delivered) = intake.next().await {
                // One that cannot be opened is shown as it is.
                let (inbound, _) = read_plainly(delivered.inbound);
                let message = Message::read(&inbound, client.parts.publisher.service());
                let context = Context::new(&client, Arc::new(message), None);
                let observe = async {
                    function(inbound.into(), context).await;
                    Ok::<(), Failure>(())
                };
                if let Err(failure) = guard(OBSERVE_DEADLINE, observe).await {
                    tracing::error!(error = %failure, "an observer failed; the live feed goes on");
                }
                delivered.receipt.acknowledge();
            }
        })
    })
}

impl<S: Send + Sync + 'static> Binds<S> {
    /// The handlers of the queue, with the running service.
    pub(super) fn bind(self, client: &Client<S>, queue: &str) -> Handlers {
        match self {
            Self::Named(binds) => {
                Handlers::Named(binds.into_iter().map(|(message, bind)| (message, bind(client, queue))).collect())
            }
            Self::Nest(nest) => nest.handlers(client, queue),
        }
    }
}

/// `reserve_stock` of `inventory::reserve_stock::reserve_stock`.
fn short_name<F>() -> &'static str {
    type_name::<F>().rsplit("::").next().unwrap_or("handler")
}
