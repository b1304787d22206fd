//! A queue that NestJS clients write to.

use std::collections::BTreeSet;
use std::collections::btree_map::Entry;
use std::time::Duration;

use garenne_contract::{Event, MessageName, Request};

use super::handlers::{self, Bind};
use super::service::{Binds, Wired};
use super::{Client, Context, Service};
use crate::consumer::{Failure, Handlers, Options};
use crate::nest::{Extension, NestPattern, NestTarget, PACKETS, Switchboard};
use crate::rpc::{Refusal, Replies};
use crate::topology::{Entrance, Exit, Fault};

/// A queue of this service for clients of NestJS (`@nestjs/microservices`, RabbitMQ transport), which send packets of their
/// own. Each handler has a pattern, as `@MessagePattern` and `@EventPattern` do; it is an ordinary handler otherwise.
///
/// ```
/// use garenne::{Context, Failure, NestQueue, NoError, Refusal, Request, Service};
/// use serde::{Deserialize, Serialize};
/// use serde_json::json;
///
/// #[derive(Request, Serialize, Deserialize)]
/// #[request(name = "math.sum", reply = f64)]
/// struct Sum(Vec<f64>);
///
/// async fn sum(Sum(numbers): Sum, _: Context<()>) -> Result<f64, Refusal<NoError>> {
///     Ok(numbers.iter().sum())
/// }
///
/// let service = Service::new("math")
///     .answer(sum) // for services of this library
///     .nest(NestQueue::new("nest").answer(json!({"cmd": "sum"}), sum));
/// assert!(service.faults().is_empty());
/// ```
///
/// # The client's options
///
/// The service declares the queue, which is called `<service>.<name>`; `math.nest` here. A client has to name it, and not to
/// declare it otherwise:
///
/// ```js
/// { transport: Transport.RMQ, options: { urls, queue: 'math.nest', noAssert: true } }
/// ```
///
/// Without `noAssert` its `queueOptions` have to be those that `<service> definitions` prints. A queue with [`NestQueue::answer`] and
/// [`NestQueue::answer_many`] alone, as this one, has no dead letters of the broker's making:
///
/// ```js
/// queueOptions: { durable: true, arguments: {
///   'x-queue-type': 'quorum', 'x-delivery-limit': 20, 'x-overflow': 'reject-publish' } }
/// ```
///
/// One with [`NestQueue::on`], too:
///
/// ```js
/// queueOptions: { durable: true, arguments: {
///   'x-queue-type': 'quorum', 'x-delivery-limit': 20, 'x-overflow': 'reject-publish',
///   'x-dead-letter-exchange': 'math.dlx', 'x-dead-letter-strategy': 'at-least-once' } }
/// ```
///
/// With [`NestQueue::wildcards`], the client has `wildcards: true` and the same `queue`, or the same `exchange`.
///
/// # What holds
///
/// - An event (`emit`) that fails goes onto the retry ladder and ends as a dead letter, like any other. It has no id, so its
///   handler runs as often as it comes, also in a transaction, unless the client sets one: `new RmqRecordBuilder(data)
///   .setOptions({ messageId })`.
/// - A request (`send`) is known again by the id that NestJS gives it. It is acknowledged once the broker has the reply.
/// - A value answers with that value, `()` with `null`, and [`answer_many`](NestQueue::answer_many) with an observable of the
///   values. An error arrives as `{ status: 'error', message, code, details, retryable }`: `details` is the error of the
///   contract when `code` is `refused`; it is `failed`, `malformed` or `expired` otherwise.
/// - Replies go through the default exchange, so a service that answers here has the right to write into any queue.
///   They go to direct reply-to and to server-named queues only.
/// - An unknown pattern is answered as NestJS answers it; as an event, it is a dead letter.
/// - NestJS clients wait for ever unless told otherwise, and do not notice that a queue or a binding is missing: use rxjs
///   `timeout`.
#[must_use = "give it to Service::nest"]
pub struct NestQueue<S> {
    name: String,
    options: Options,
    wildcards: bool,
    endpoints: Vec<Endpoint<S>>,
}

struct Endpoint<S> {
    pattern: NestPattern,
    message: MessageName,
    answers: bool,
    bind: Box<dyn FnOnce(Duration) -> Bind<S> + Send>,
}

impl<S: Send + Sync + 'static> NestQueue<S> {
    /// The queue `<service>.<name>`. The name is in kebab case.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), options: Options::new(), wildcards: false, endpoints: Vec::new() }
    }

    /// How the queue is worked. Its name is what [`NestQueue::new`] says: with [`Options::queue`], the wiring has a fault.
    pub fn options(self, options: Options) -> Self {
        Self { options, ..self }
    }

    /// For clients with `wildcards: true`: a topic exchange with the queue's name comes before it, and `*` and `#` between the
    /// dots of a pattern stand for others.
    ///
    /// NestJS's own client writes the keys of an object pattern in the order of its source, and binds them sorted: one of
    /// several keys arrives only if the client has them sorted too. What comes by the exchange has the pattern that its routing key
    /// says, or is a dead letter: so rights on the exchange's keys are rights on the patterns.
    pub fn wildcards(self) -> Self {
        Self { wildcards: true, ..self }
    }

    /// Handles what clients `emit` with this pattern.
    pub fn on<E, F, Fut>(self, pattern: impl Into<NestPattern>, handler: F) -> Self
    where
        E: Event,
        F: Fn(E, Context<S>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.endpoint(pattern.into(), E::NAME, false, |deadline| handlers::event(handler, deadline))
    }

    /// Answers what clients `send` with this pattern. What they `emit` with it is a command.
    pub fn answer<R, F, Fut>(self, pattern: impl Into<NestPattern>, handler: F) -> Self
    where
        R: Request,
        F: Fn(R, Context<S>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R::Reply, Refusal<R::Error>>> + Send + 'static,
    {
        self.endpoint(pattern.into(), R::NAME, true, |deadline| handlers::request(handler, deadline, Some(&PACKETS)))
    }

    /// Answers with several replies: the values of the client's observable, each as soon as it is sent.
    pub fn answer_many<R, F, Fut>(self, pattern: impl Into<NestPattern>, handler: F) -> Self
    where
        R: Request,
        F: Fn(R, Context<S>, Replies<R::Reply>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Refusal<R::Error>>> + Send + 'static,
    {
        let bind = |deadline| handlers::request_of_many(handler, deadline, Some(&PACKETS));
        self.endpoint(pattern.into(), R::NAME, true, bind)
    }

    fn endpoint(
        mut self,
        pattern: NestPattern,
        message: MessageName,
        answers: bool,
        bind: impl FnOnce(Duration) -> Bind<S> + Send + 'static,
    ) -> Self {
        self.endpoints.push(Endpoint { pattern, message, answers, bind: Box::new(bind) });
        self
    }

    /// What the topology has to know.
    fn entrance(&self) -> Entrance {
        let keys = self.endpoints.iter().map(|endpoint| endpoint.pattern.route().to_owned());
        let answered = self.endpoints.iter().filter(|endpoint| endpoint.answers).map(|endpoint| endpoint.message);
        let hears = self.endpoints.iter().any(|endpoint| !endpoint.answers);
        Entrance { keys: self.wildcards.then(|| keys.collect()), answers: answered.collect(), hears }
    }

    /// What is wrong with it as the queue of this name.
    fn faults(&self, queue: &str) -> Vec<Fault> {
        let mut seen = BTreeSet::new();
        let routes = self.endpoints.iter().map(|endpoint| endpoint.pattern.route());
        let again = routes.filter(|route| !seen.insert(*route));
        let again = again.map(|route| Fault::PatternTwice { queue: queue.to_owned(), pattern: route.to_owned() });
        let named = self.options.queue.iter().map(|name| Fault::Option {
            queue: queue.to_owned(),
            option: "queue",
            given: format!("{name:?}"),
            rule: "give the name to NestQueue::new",
        });
        again.chain(named).collect()
    }

    /// What works the queue `name`.
    pub(super) fn handlers(self, client: &Client<S>, name: &str) -> Handlers {
        let (deadline, publisher) = (self.options.deadline, client.parts.publisher.clone());
        let extensions = self.endpoints.into_iter().map(|Endpoint { pattern, answers, bind, .. }| {
            (pattern, Extension { handler: bind(deadline)(client, name), answers })
        });
        Handlers::Foreign(Box::new(Switchboard::new(name, extensions, self.wildcards, publisher)))
    }
}

impl<S: Send + Sync + 'static> Service<S> {
    /// Handles and answers what clients of NestJS send to a queue of this service: see [`NestQueue`].
    pub fn nest(mut self, nest: NestQueue<S>) -> Self {
        let queue = format!("{}.{}", self.name(), nest.name);
        self.blueprint.queue_names.insert(nest.name.clone());
        self.blueprint.queues.entry(queue.clone()).or_default();
        self.blueprint.entrances.insert(queue.clone(), nest.entrance());
        self.faults.extend(nest.faults(&queue));
        match self.queues.entry(queue) {
            Entry::Vacant(vacant) => {
                vacant.insert(Wired { options: nest.options.clone(), handlers: Binds::Nest(nest) });
            }
            Entry::Occupied(occupied) => self.faults.push(Fault::QueueShared(occupied.key().clone())),
        }
        self
    }

    /// Says that the service sends this request to a NestJS server. It is asked as any other, with `ask`: the reply is what the
    /// handler there returns, or the list of what its observable emits with [`NestTarget::every_value`].
    ///
    /// What the handler throws is the error of the contract if it can be read as one, by itself or from its `details`;
    /// otherwise it is a [`Problem`](crate::Problem) with the server's words. A server with `noAck: true` forgets a request
    /// when it dies, so a call may end at its deadline.
    pub fn asks_nest<R: Request>(self, target: NestTarget) -> Self {
        self.with_exit(R::NAME, target.exit(R::NAME, true))
    }

    /// Says that the service publishes this event to a NestJS server, and not to an exchange of its owner. It is published as
    /// any other, also within transactions.
    ///
    /// Into a queue that does not exist, because the server has never been started, it is not published: that is
    /// [`PublishError::NobodyThere`](crate::PublishError::NobodyThere), and within a transaction it is tried again.
    pub fn publishes_to_nest<E: Event>(self, target: NestTarget) -> Self {
        self.with_exit(E::NAME, target.exit(E::NAME, false))
    }

    fn with_exit(mut self, message: MessageName, exit: Exit) -> Self {
        if self.blueprint.exits.insert(message, exit).is_some() {
            self.faults.push(Fault::TwoTargets(message.as_str()));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use garenne_contract::NoError;
    use serde::{Deserialize, Serialize};
    use serde_json::{Value, json};

    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Sum(Vec<f64>);

    impl Request for Sum {
        const NAME: MessageName = MessageName::new("math.sum");
        type Reply = f64;
        type Error = NoError;
    }

    #[derive(Serialize, Deserialize)]
    struct Rounded(f64);

    impl Event for Rounded {
        const NAME: MessageName = MessageName::new("math.rounded");
    }

    async fn sum(Sum(numbers): Sum, _: Context<()>) -> Result<f64, Refusal<NoError>> {
        Ok(numbers.iter().sum())
    }

    async fn hear(_: Rounded, _: Context<()>) -> Result<(), Failure> {
        Ok(())
    }

    fn math(nest: NestQueue<()>) -> Service<()> {
        Service::new("math").nest(nest)
    }

    /// What the documentation of [`NestQueue`] shows, as JSON.
    fn documented() -> Vec<Value> {
        let documentation: String =
            include_str!("nest_queue.rs").lines().filter_map(|line| line.strip_prefix("/// ")).collect();
        let blocks = documentation.split("queueOptions: ").skip(1).filter_map(|block| block.split("```").next());
        let json = |block: &str| {
            block.replace("durable:", "'durable':").replace("arguments:", "'arguments':").replace('\'', "\"")
        };
        blocks.map(|block| serde_json::from_str(&json(block)).unwrap()).collect()
    }

    #[test]
    fn the_options_that_the_documentation_gives_to_clients_are_those_of_the_queue() {
        let declared = |nest: NestQueue<()>| {
            let definitions = math(nest).definitions();
            let queues = definitions["queues"].as_array().unwrap();
            let queue = queues.iter().find(|queue| queue["name"] == "math.nest").unwrap();
            json!({"durable": queue["durable"], "arguments": queue["arguments"]})
        };
        let answers = || NestQueue::new("nest").answer(json!({"cmd": "sum"}), sum);
        assert_eq!(documented(), [declared(answers()), declared(answers().on("rounded", hear))]);
    }

    #[test]
    fn a_pattern_with_two_handlers_and_a_name_in_the_options_are_faults_with_words_of_their_own() {
        let nest = NestQueue::new("nest").options(Options::new().queue("mine"));
        let nest = nest.answer(json!({"cmd": "sum", "a": 1}), sum).answer(json!({"a": 1, "cmd": "sum"}), sum);
        let faults = math(nest.on("rounded", hear)).faults();
        let words: Vec<String> = faults.iter().map(ToString::to_string).collect();
        let twice = r#"queue math.nest has two handlers for the pattern {"a":1,"cmd":"sum"}: remove one, or give one of them a NestQueue of another name"#;
        assert_eq!(words, [twice, r#"queue math.nest: queue is "mine"; give the name to NestQueue::new"#]);
    }

    #[test]
    fn a_message_with_two_targets_is_a_fault() {
        let at = || NestTarget::queue("math_queue");
        let service = Service::<()>::new("desk").asks_nest::<Sum>(at()).publishes_to_nest::<Rounded>(at());
        assert_eq!(service.faults(), []);
        let service = service.asks_nest::<Sum>(at()).publishes_to_nest::<Rounded>(NestTarget::exchange("math"));
        assert_eq!(service.faults(), [Fault::TwoTargets("math.sum"), Fault::TwoTargets("math.rounded")]);
    }
}
