//! What `cargo xtask --help` prints.

/// The whole help.
pub(crate) const TEXT: &str = "\
cargo xtask <task>

Tasks
  up            start RabbitMQ and every service; Ctrl-C drains and stops them, a second Ctrl-C kills them
  test          run every suite; the last line is `N passed, M failed, K skipped`
  chaos         run the shop under load, break things, and check that nothing was lost and nothing happened twice
  pods          run every module in a pod, with podman: break, scale and roll out under load, and check the same
  bench         measure what the library costs, optimised, on a broker of its own
  definitions   write infra/rabbitmq/definitions.json from what the services declare

cargo xtask up
  --replicas <service>=<n>    how many of a service (1 to 20, repeatable; default 1)
  --orders-per-second <n>     rate of the synthetic shoppers (0.01 to 1000, 0 = none; default 1)
  --release                   build and run optimised
  --keep-data                 keep messages and databases of the run before
  --broker-only               start RabbitMQ alone
  --broker <which>            3.10, 4.0 or 4.3: that RabbitMQ, unpacked into target/brokers when the machine's own is another;
                              amqp://user:password@host/%2f: a broker that is there, with that user for every service;
                              a folder that holds sbin/: an unpacked RabbitMQ

  RabbitMQ is a private node with its data below target/up/; its package is installed where it is missing (Debian).
  AMQP_URL=amqp://user:password@host/%2f is a --broker that no list of processes shows.
  Ports are the usual ones (5672, 15672, shop page 8080) where they are free, otherwise others; they are printed.
  A second `up` beside the first has its own broker, data (target/up/2) and ports. RUST_LOG is handed to the services.

cargo xtask test
  --only <suite>              format, tidy, clippy, build, definitions, unit, end-to-end, chaos or pods (repeatable)
  --broker <which>            as above; the default is the machine's own. A broker that is there has to let the user
                              administrate it: it gets virtual hosts `test-…`, and users that are named after the services
  --cluster                   end-to-end on three nodes that are one broker
  --profile amazon-mq         the core of end-to-end on a node that behaves like Amazon MQ: TLS only, quorum queues by default,
                              operator policies locked, no plugin outside of its list (default --broker: 4.0)
  --management-url <url>      where the management API of such a broker is (default: http://<host>:15672)
  -- <arguments>              for the test programs of unit and end-to-end, such as a filter

  Installs what is missing on Debian: rabbitmq-server, postgresql, python3-venv, nodejs, npm, mosquitto-clients, chromium,
  chromium-driver, and what pods need. What cannot be installed is skipped with its reason; with CI=true a skip fails, unless the
  machine runs no containers at all. With CI=true and without --broker, the core of end-to-end, and chaos, run on 4.0 too, and the
  core with --profile amazon-mq besides.

cargo xtask chaos
  --minutes <n>               how long things are broken (0.1 to 600; default 3)
  --seed <n>                  decides about faults and customers; the same seed breaks the same things again (default: a new one)
  --broker <which>            as above; an address is not restarted
  --cluster                   three nodes that are one broker; the one that leads most queues is killed again and again
  --orders-per-second <n>     rate of the load (0.1 to 1000; default 10)
  --faults <n>                break so many things, however long it takes
  --orders <n>                go on until so many orders are in; with --faults too, the time does not count
  --store <sqlite | postgres> where the services keep their books (default sqlite)
  --release                   build and run optimised

  It ends with a table, and with 0 only when every law holds. A run that failed names the orders, keeps logs, books and mail
  below target/chaos/, and prints the command that repeats it. PostgreSQL is a private server, and the broker a private node
  unless --broker is an address.

cargo xtask pods
  --orders-per-second <n>     rate of the load (1 to 1000; default 50)
  --keep                      leave the pods running; the next run ends them

  Builds an image for each module, static and from scratch, and for RabbitMQ and PostgreSQL as this machine has them, asks no
  registry, and plays k8s/overlays/podman: docs/kubernetes.md. Needs root. Installs what is missing on Debian: podman, runc,
  netavark, aardvark-dns, catatonit, iptables. Settings, images and volumes lie below target/pods/ and go with the run, which takes
  six minutes at most after the build. PODS_REQUIRED=true: a machine that runs no containers has failed, in a test run too.

cargo xtask bench rpc
  --rounds <n>                rounds at 1 and at 64 calls in flight (default 12)
  --seconds <n>               how long each way is loaded in each round (default 2)
  --broker <which>            3.10, 4.0, 4.3 or a folder, as above

  A request and its reply, by the library, by the same messages written on the AMQP client, and by the shortest ones: calls per
  second, and processor time per call of requester and responder. An optimised build, a private node, all ways in turns.

cargo xtask bench replay
  --broker <which>            3.10, 4.0, 4.3 or a folder, as above
  -- <events>                 how many events the log holds (default 1,000,000)

  How fast analytics counts a log, beside a bare reader.

cargo xtask definitions
  --check                     change nothing; fail when the file is not what the services declare
";
