//! Names of the headers that we write. Ours begin with `garenne-`: `x-` is the broker's.

/// The message that made this one necessary.
pub(crate) const CAUSATION_ID: &str = "causation-id";
/// W3C trace context.
pub(crate) const TRACEPARENT: &str = "traceparent";
/// W3C trace context.
pub(crate) const TRACESTATE: &str = "tracestate";
/// When the message was published, in milliseconds since 1970: the `timestamp` property counts seconds.
pub(crate) const SENT_AT: &str = "garenne-sent-at";

/// Of a request: the conversation, since `correlation_id` names the request itself.
pub(crate) const CONVERSATION_ID: &str = "garenne-conversation-id";
/// Of a request: the exchange to which its reply goes, with `reply_to` as the routing key.
pub(crate) const REPLY_EXCHANGE: &str = "garenne-reply-exchange";
/// Of a request: when its caller stops waiting, in milliseconds since 1970.
pub(crate) const DEADLINE: &str = "garenne-deadline";

/// Of one of several replies, and of their end: which run of the handler says it.
pub(crate) const REPLY_RUN: &str = "garenne-reply-run";
/// Of one of several replies: its place among them, from 1.
pub(crate) const REPLY_NUMBER: &str = "garenne-reply-number";
/// Of the end of several replies: how many there were.
pub(crate) const REPLY_COUNT: &str = "garenne-reply-count";

/// Of a retry copy: which attempt comes next, from 2.
pub(crate) const ATTEMPT: &str = "garenne-attempt";
/// Of a copy: when the first attempt failed, in milliseconds since 1970.
pub(crate) const FIRST_FAILED_AT: &str = "garenne-first-failed-at";
/// Of a copy: the exchange to which the message was published first.
pub(crate) const ORIGIN_EXCHANGE: &str = "garenne-origin-exchange";
/// Of a copy: the routing key with which the message was published first.
pub(crate) const ORIGIN_KEY: &str = "garenne-origin-routing-key";
/// Of a copy: what went wrong, at most 1 KiB.
pub(crate) const ERROR: &str = "garenne-error";
/// Of a copy: the kind of error.
pub(crate) const ERROR_CLASS: &str = "garenne-error-class";
/// Of a copy: the service whose handler failed.
pub(crate) const SERVICE: &str = "garenne-service";
/// Of a copy: the queue whose handler failed.
pub(crate) const QUEUE: &str = "garenne-queue";
/// Of a copy: the handler that failed.
pub(crate) const HANDLER: &str = "garenne-handler";
/// Of a copy: names of the sender's headers that were too large for it.
pub(crate) const LEFT_OUT: &str = "garenne-headers-left-out";
/// Of a dead letter: why it was given up.
pub(crate) const REASON: &str = "garenne-reason";
