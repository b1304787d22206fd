//! Requests to responders of other libraries, in forms of their own.

use std::pin::pin;
use std::time::Duration;

use garenne_contract::Request;
use tokio::time::timeout_at;

use super::AskError;
use super::requester::{Requester, answered};
use super::unread::UNREAD;
use super::waiters::WaitingForMany;
use crate::broker::Inbound;
use crate::publisher::Cause;
use crate::topology::Exit;

impl Requester {
    /// Sends what `write` makes of the request's id to where `exit` says, and lets `hear` have one reply after the other until it
    /// has enough.
    ///
    /// Dropping the future forgets the call; the responder is not told.
    pub(crate) async fn ask_foreign<R: Request>(
        &self,
        exit: &Exit,
        cause: Option<Cause>,
        patience: Duration,
        write: impl FnOnce(&str) -> Vec<u8>,
        mut hear: impl FnMut(&Inbound) -> Option<Result<R::Reply, AskError<R::Error>>>,
    ) -> Result<R::Reply, AskError<R::Error>> {
        let mut call = self.begin(R::NAME.as_str(), cause, patience, Some(exit.clone()));
        let body = write(&call.id);
        let waiting = self.mailbox.waiters.wait_for_many(&call.id).ok_or_else(|| self.too_many::<R>())?;
        let WaitingForMany { place: _place, mut replies } = waiting;
        let request = call.request;
        let mut sent = false;
        let heard = timeout_at(call.deadline, async {
            let mut sending = pin!(self.send::<R>(&mut call, body));
            loop {
                tokio::select! {
                    biased;
                    reply = replies.next() => match reply {
                        Some(reply) => if let Some(heard) = hear(&reply) {
                            return heard;
                        },
                        None if replies.is_overrun() => return Err(AskError::Overrun { request, limit: UNREAD }),
                        None => return Err(AskError::Disconnected { request }),
                    },
                    // The reply may overtake the confirm.
                    result = &mut sending, if !sent => {
                        result?;
                        sent = true;
                    }
                }
            }
        });
        let reply = heard.await.unwrap_or_else(|_| Err(self.late::<R>(&call, sent)));
        if reply.is_ok() {
            self.publisher.metrics().answered(request, call.started.elapsed());
        }
        answered(call.span, reply.as_ref().err());
        reply
    }
}
