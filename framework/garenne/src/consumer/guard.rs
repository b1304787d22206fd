//! Runs a handler so that neither a panic nor a hang takes the service down.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::timeout;

use super::Failure;

/// Runs the handler at most so long. A panic and a passed deadline are retryable failures.
pub(crate) fn guard<T, E: From<Failure>>(
    deadline: Duration,
    handler: impl Future<Output = Result<T, E>>,
) -> impl Future<Output = Result<T, E>> {
    // Not an async function, which would have room for the handler twice.
    timeout(deadline, AssertUnwindSafe(handler).catch_unwind()).map(move |ended| match ended {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => {
            let text = format!("the handler panicked: {}", panic_text(panic.as_ref()));
            Err(Failure::retry(text).of_class("panic").into())
        }
        Err(_) => {
            let text = format!("the handler did not end within {} ms", deadline.as_millis());
            Err(Failure::retry(text).of_class("deadline").into())
        }
    })
}

/// The words that came with a panic, if any did.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_failure_with_the_panics_words() {
        let result: Result<(), Failure> = guard(Duration::from_secs(5), async { panic!("boom {}", 7) }).await;
        assert_eq!(result.unwrap_err().to_string(), "the handler panicked: boom 7");
    }

    #[tokio::test(start_paused = true)]
    async fn a_hang_is_a_failure_at_the_deadline() {
        let result: Result<(), Failure> = guard(Duration::from_secs(5), std::future::pending()).await;
        assert_eq!(result.unwrap_err().class(), "deadline");
    }
}
