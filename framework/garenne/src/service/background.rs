//! Tasks beside the handlers.

use std::fmt::Display;

use futures_util::future::BoxFuture;

use super::Client;

type Run<S> = Box<dyn FnOnce(Client<S>) -> BoxFuture<'static, Result<(), String>> + Send>;

/// A task that runs as long as the service does.
pub(super) struct Background<S> {
    pub(super) name: &'static str,
    pub(super) run: Run<S>,
}

impl<S: Send + Sync + 'static> Background<S> {
    pub(super) fn new<F, Fut, E>(name: &'static str, function: F) -> Self
    where
        F: FnOnce(Client<S>) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Display,
    {
        let run = |client| -> BoxFuture<'static, Result<(), String>> {
            let task = function(client);
            Box::pin(async move { task.await.map_err(|error| error.to_string()) })
        };
        Self { name, run: Box::new(run) }
    }
}
