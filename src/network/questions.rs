//! Questions of a peer that are open: each costs memory here until the peer is done with its answer.

use std::cell::RefCell;

use capnp::any_pointer;
use capnp_rpc::rpc_capnp::message;

use super::closed::{Cause, Closed};

/// Room for so many stays.
const FEW: usize = 4;

/// The questions by their numbers, which the peer chose. They are so few that a search through all is quick.
#[derive(Default)]
pub(super) struct Questions(RefCell<Vec<u32>>);

impl Questions {
    /// Takes note of a message that came, and says which question of ours it answers, if any. The error is that
    /// it asks one question more than `most`. What is no message of the protocol is the RPC system's to refuse.
    pub(super) fn came(
        &self,
        body: any_pointer::Reader<'_>,
        most: usize,
    ) -> Result<Option<u32>, Closed> {
        let Ok(Ok(which)) = body.get_as::<message::Reader<'_>>().map(message::Reader::which) else {
            return Ok(None);
        };
        let asked = match which {
            message::Bootstrap(Ok(bootstrap)) => bootstrap.get_question_id(),
            message::Call(Ok(call)) => call.get_question_id(),
            message::Finish(Ok(finish)) => {
                self.done(finish.get_question_id());
                return Ok(None);
            }
            message::Return(Ok(answer)) => return Ok(Some(answer.get_answer_id())),
            _ => return Ok(None),
        };
        let mut open = self.0.borrow_mut();
        if !open.contains(&asked) {
            open.push(asked);
        }
        if open.len() > most {
            let detail = format!("the peer has more than {most} questions open at one time");
            return Err(Closed::new(Cause::Flood, detail));
        }
        Ok(None)
    }

    /// Takes note of a message that goes: some answers need no word that they were understood.
    pub(super) fn goes(&self, body: any_pointer::Reader<'_>) {
        let Ok(Ok(which)) = body.get_as::<message::Reader<'_>>().map(message::Reader::which) else {
            return;
        };
        if let message::Return(Ok(answer)) = which {
            if answer.get_no_finish_needed() {
                self.done(answer.get_answer_id());
            }
        }
    }

    fn done(&self, asked: u32) {
        let mut open = self.0.borrow_mut();
        if let Some(place) = open.iter().position(|open| *open == asked) {
            open.swap_remove(place);
        }
        if open.is_empty() {
            // One or two at a time take no more; idle connections are many.
            open.shrink_to(FEW);
        }
    }
}
