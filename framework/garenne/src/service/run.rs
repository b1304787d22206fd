//! The whole of a `main`.

use std::fmt::Display;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use super::{Service, Settings, SettingsFault, StartError, healthcheck};
use crate::telemetry::install_log;

/// A signal that follows the first one this closely is the same one.
const ECHO: Duration = Duration::from_secs(1);

/// Runs a service until `SIGTERM` or `SIGINT`, then drains it. A second signal ends it at once. So does the first one while the state
/// is still made: nothing has begun yet, and `state` is dropped where it waits.
///
/// With the argument `definitions` the process prints the service's part of the broker's `definitions.json` instead
/// and needs neither environment nor broker. With `healthcheck` it asks the service that runs in the same environment for `/livez` at
/// its `ADMIN_ADDR`, for at most 6 s, and ends with 0 or 1.
///
/// The exit code is 0 after a signal, 64 for an unknown argument, or [`StartError::exit_code`].
///
/// ```no_run
/// # struct Billing;
/// # impl Billing { async fn open() -> Result<Self, std::io::Error> { Ok(Self) } }
/// # fn service() -> garenne::Service<Billing> { garenne::Service::new("billing") }
/// fn main() -> std::process::ExitCode {
///     garenne::run(service(), Billing::open)
/// }
/// ```
pub fn run<S, F, Fut, E>(service: Service<S>, state: F) -> ExitCode
where
    S: Send + Sync + 'static,
    F: FnOnce() -> Fut,
    Fut: Future<Output = Result<S, E>>,
    E: Display,
{
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => {}
        ["definitions"] => return print_definitions(&service),
        ["healthcheck"] => return check_health(),
        ["--help" | "-h"] => return print(&help(service.name())),
        unknown => {
            complain(format_args!(
                "unknown argument {:?}; give none to run, or `definitions` or `healthcheck`",
                unknown.join(" ")
            ));
            return ExitCode::from(64);
        }
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(format_args!("the system gives no threads: {error}"));
            return ExitCode::from(71);
        }
    };
    let ended = runtime.block_on(serve(service, state));
    // A handler that blocks its thread must not hold up the end.
    runtime.shutdown_timeout(Duration::from_secs(1));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(format_args!("{error}"));
            ExitCode::from(error.exit_code())
        }
    }
}

async fn serve<S, F, Fut, E>(service: Service<S>, state: F) -> Result<(), StartError>
where
    S: Send + Sync + 'static,
    F: FnOnce() -> Fut,
    Fut: Future<Output = Result<S, E>>,
    E: Display,
{
    let settings = Settings::from_env().map_err(StartError::Settings)?;
    install_log(settings.log_format, settings.log_filter.as_deref());
    for doubt in &settings.doubts {
        tracing::warn!("{doubt}");
    }
    let mut terminate =
        signal(SignalKind::terminate()).map_err(|reason| StartError::System { what: "a signal handler", reason })?;
    let mut interrupt =
        signal(SignalKind::interrupt()).map_err(|reason| StartError::System { what: "a signal handler", reason })?;
    // A database may be silent, and another replica may hold the lock of its migrations, for longer than a pod has to end.
    let state = tokio::select! {
        biased;
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        state = state() => Some(state.map_err(|error| StartError::State(error.to_string()))?),
    };
    let Some(state) = state else {
        tracing::info!("ended before it had started");
        return Ok(());
    };
    let mut running = service.start(state, settings).await?;
    let failure = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        error = running.failed() => Some(error),
    };
    if let Some(error) = &failure {
        tracing::error!(%error, "the service ends");
    }
    let signal = async || {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    tokio::select! {
        () = running.stop() => {}
        () = insisted(signal) => tracing::warn!("a second signal: ending without draining"),
    }
    failure.map_or(Ok(()), Err)
}

/// Ends with a second signal. Programs that hand signals on may deliver the first one twice.
async fn insisted(mut signal: impl AsyncFnMut()) {
    let first = Instant::now();
    loop {
        signal().await;
        if first.elapsed() >= ECHO {
            return;
        }
    }
}

fn print_definitions<S: Send + Sync + 'static>(service: &Service<S>) -> ExitCode {
    let faults = service.faults();
    if !faults.is_empty() {
        let error = StartError::Wiring(faults);
        complain(format_args!("{error}"));
        return ExitCode::from(error.exit_code());
    }
    print(&format!("{:#}", service.definitions()))
}

fn check_health() -> ExitCode {
    let faults = |faults: Vec<SettingsFault>| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    match Settings::admin_addr_from_env().map_err(faults).and_then(healthcheck::check) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            complain(format_args!("{reason}"));
            ExitCode::FAILURE
        }
    }
}

fn help(service: &str) -> String {
    format!(
        "{service}               run until SIGTERM or SIGINT, then drain\n\
         {service} definitions   print the service's part of the broker's definitions.json\n\
         {service} healthcheck   ask the service that runs in this environment whether it is alive\n\n\
         AMQP_URL names the broker, such as amqp://{service}:password@localhost:5672/%2f. Further variables: AMQP_CA_FILE,\n\
         AMQP_CERT_FILE, AMQP_KEY_FILE, ADMIN_ADDR, INSTANCE, DRAIN_SECONDS, PUBLISH_TIMEOUT_MS, PUBLISH_IN_FLIGHT, PUBLISH_IN_FLIGHT_BYTES, REQUEST_TIMEOUT_MS,\n\
         REQUESTS_IN_FLIGHT, INBOX_HOURS, RETRY_LADDER_MS, LOG_FORMAT and RUST_LOG (garenne::Settings explains them),\n\
         OTEL_EXPORTER_OTLP_ENDPOINT and its like for traces, and the service's own."
    )
}

/// To standard output. Whoever reads it may stop in the middle.
fn print(text: &str) -> ExitCode {
    let _ = writeln!(std::io::stdout(), "{text}");
    ExitCode::SUCCESS
}

/// To standard error, since the log may not be there yet.
fn complain(text: std::fmt::Arguments<'_>) {
    eprintln!("error: {text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_echo_of_the_first_signal_is_no_second_one() {
        let began = Instant::now();
        let mut gaps = [0, 10, 400, 700].map(Duration::from_millis).into_iter();
        insisted(async || tokio::time::sleep(gaps.next().unwrap_or(Duration::MAX)).await).await;
        assert_eq!(began.elapsed(), Duration::from_millis(1110), "the fourth is more than a second after the first");
    }
}
