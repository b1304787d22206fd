//! What is wrong with a service as it is wired.

/// A mistake in a service's wiring, found before it connects. All of them are reported together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The service's name cannot stand in the names of its queues.
    #[error(
        "service name {0:?}: use kebab case (a-z, 0-9, single hyphens, a letter first), at most 40 bytes, and none of the topology's own words such as `events` or `retry`"
    )]
    ServiceName(String),
    /// A queue's own name is not a word.
    #[error(
        "queue name {0:?}: use kebab case, at most 100 bytes, and none of the topology's own words such as `events` or `retry`"
    )]
    QueueName(String),
    /// One message would go to two handlers.
    #[error(
        "queue {queue} has two handlers for {message}: remove one, or give one of them a queue of its own with Options::queue"
    )]
    HandledTwice {
        /// The queue with its service.
        queue: String,
        /// The message's name.
        message: &'static str,
    },
    /// One pattern of NestJS would go to two handlers.
    #[error(
        "queue {queue} has two handlers for the pattern {pattern}: remove one, or give one of them a NestQueue of another name"
    )]
    PatternTwice {
        /// The queue with its service.
        queue: String,
        /// The pattern.
        pattern: String,
    },
    /// Handlers that share a queue share its options too.
    #[error("queue {queue}: its handlers have different options; give all of them the same, or queues of their own")]
    OptionsDiffer {
        /// The queue with its service.
        queue: String,
    },
    /// Requests are answered by their owner.
    #[error("{service} answers {message}, which {owner} owns: answer it in {owner}, or rename the request {service}.…")]
    AnswersForeign {
        /// The service that answers.
        service: String,
        /// The request's name.
        message: &'static str,
        /// The service that the name says.
        owner: &'static str,
    },
    /// A message has one destination.
    #[error(
        "{0} goes to NestJS and to its owner's exchange as well: remove one, or give the message for NestJS a type and a name of its own"
    )]
    TwoWays(&'static str),
    /// A message for NestJS has one target.
    #[error(
        "{0} has two NestTargets: remove one .asks_nest or .publishes_to_nest, or give each target a message with a name of its own"
    )]
    TwoTargets(&'static str),
    /// Brokers do not bind every pattern.
    #[error("queue {queue} cannot be bound with {key:?}: use at most 255 bytes and one `#`")]
    BindingKey {
        /// The queue with its service.
        queue: String,
        /// The pattern as it would be bound.
        key: String,
    },
    /// Foreign clients and those of this library write other bodies.
    #[error("queue {0} is for NestJS and has handlers of its own as well, or is wired twice: give each a queue")]
    QueueShared(String),
    /// An option is out of its range.
    #[error("queue {queue}: {option} is {given}; {rule}")]
    Option {
        /// The queue with its service.
        queue: String,
        /// The option's method.
        option: &'static str,
        /// What was given.
        given: String,
        /// What it may be.
        rule: &'static str,
    },
    /// An observed owner cannot be the name of a service.
    #[error("observes {0:?}, which cannot be a service's name: use kebab case, at most 40 bytes, and no reserved word")]
    ObservedName(String),
    /// A log's name cannot stand in the name of its queue, or an owner of its events cannot be the name of a service.
    #[error(
        "log name or owner {0:?}: use kebab case, at most 40 bytes, and none of the topology's own words such as `events` or `log`"
    )]
    LogName(String),
    /// Two readers of a log would share one place in it.
    #[error("log {log} is read twice by {reader}: give each reader a name of its own")]
    ReadTwice {
        /// The log's queue.
        log: String,
        /// The reader's name.
        reader: String,
    },
    /// How far a log is read is committed with what was done about it.
    #[error("log {log} is read, and nothing says where to keep how far: add .stores_in(|state: &State| &state.store)")]
    ReadWithoutStore {
        /// The log's queue.
        log: String,
    },
    /// There is one live feed.
    #[error("{0} has two .observe(…): name all owners in one, and tell the events apart by their names")]
    ObservesTwice(String),
    /// A service that does nothing was surely not meant.
    #[error(
        "{0} hears nothing, says nothing, asks nothing and runs nothing: add .on(…), .on_device(…), .answer(…), .nest(…), .observe(…), .reads(…), .keeps(…), .publishes::<…>(), .publishes_to_nest::<…>(…), .asks::<…>(), .asks_nest::<…>(…) or .background(…)"
    )]
    Idle(String),
}
