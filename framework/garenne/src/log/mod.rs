//! Event logs: history that can be read again.
//!
//! A [`Log`] is a stream on the broker in which everything stands that some services have said, in one sequence. The
//! service that [keeps](crate::Service::keeps) it declares it. Whoever [reads](crate::Service::reads) it gets [`Page`]s:
//! some entries after the other, in their order, from wherever its [`Reading`] begins.
//!
//! How far a reader has come is committed in the transaction of the page's effects, in the service's own database: whatever
//! dies, each entry has its effects once. That place alone decides. Every replica may read; of those that hold the same
//! entries one commits them, and the others find them done.
//!
//! A log may hold the same event twice, under one message id: publishing is at least once. And it is bounded: what
//! a reader comes too late for is [missed](Page::missed), which is counted and told.
//!
//! What the broker takes into a log and cannot deliver from it (a header `x-basic-type` that is no text) ends the connection each
//! time. The reader finds it, passes it over, and counts it as unreadable. Brokers that deliver a chunk as a whole, 3.10 among
//! them, cannot deliver what stands before it in its chunk either; that is counted too.

mod beginning;
mod page;
mod place;
mod reader;
mod reading;

pub use crate::topology::Log;
pub use page::{Logged, Page};
pub use place::{hold, rewind};
pub(crate) use reader::{Handle, Reader, ReaderParts};
pub use reading::{Reading, Start};
