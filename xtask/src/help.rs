//! What `cargo xtask --help` prints.

/// The whole help.
pub(crate) const TEXT: &str = "\
cargo xtask <task>

Tasks
  up            start RabbitMQ and every service; Ctrl-C drains and stops them, a second Ctrl-C kills them
  test          run every suite; the last line is `N passed, M failed, K skipped`
  definitions   write infra/rabbitmq/definitions.json from what the services declare

cargo xtask up
  --replicas <service>=<n>    how many of a service (1 to 20, repeatable; default 1)
  --orders-per-second <n>     rate of the synthetic shoppers (0.01 to 1000, 0 = none; default 1)
  --release                   build and run optimised
  --keep-data                 keep messages and databases of the run before
  --broker-only               start RabbitMQ alone
  --rabbitmq <folder>         use an unpacked RabbitMQ (the folder that holds sbin/) instead of the installed one

  RabbitMQ is a private node with its data below target/up/; its package is installed where it is missing (Debian).
  AMQP_URL=amqp://user:password@host/%2f makes the services use that broker and that user instead.
  Ports are the usual ones (5672, 15672, shop page 8080) where they are free, otherwise others; they are printed.
  A second `up` beside the first has its own broker, data (target/up/2) and ports. RUST_LOG is handed to the services.

cargo xtask test
  --only <suite>              format, tidy, clippy, build, definitions, unit or end-to-end (repeatable)
  --rabbitmq <folder>         as above
  -- <arguments>              for the test programs of unit and end-to-end, such as a filter

  Installs what is missing on Debian: rabbitmq-server, python3-venv, chromium, chromium-driver. What cannot be installed is
  skipped with its reason; with CI=true a skip fails.

cargo xtask definitions
  --check                     change nothing; fail when the file is not what the services declare
";
