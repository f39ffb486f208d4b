//! Calls past the RPC system, to an object that the peer itself hosts, for answers without objects.
//!
//! The RPC system makes of each call what it takes to call further objects of an answer that has not come: some
//! forty pieces of memory, and tasks for them. For a batch and its answer that costs more than all else that
//! happens here. The peer reads ordinary messages, with questions of high numbers.

use std::cell::RefCell;
use std::mem;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use capnp::traits::{FromPointerReader, HasTypeId};
use capnp::{ErrorKind, any_pointer};
use capnp_rpc::OutgoingMessage as _;
use capnp_rpc::rpc_capnp::{exception, message, return_};

use super::enclosed::{MARK, Mark};
use super::incoming::Incoming;
use super::outgoing::Outgoing;
use super::shared::Shared;

/// Our first question; the RPC system counts its own up from zero.
const FIRST: u32 = 1 << 28;

/// A first segment that holds all but the bytes.
const WORDS: u32 = 128;

/// An object of the peer's, as messages name it.
pub(crate) type Object = u32;

/// The questions that are open, by their numbers: a few at a time.
#[derive(Default)]
pub(super) struct Direct(RefCell<Vec<Question>>);

#[derive(Default)]
enum Question {
    #[default]
    Free,
    Open(Option<Waker>),
    Answered(Incoming),
    /// Nobody waits for the answer any more, which is to come all the same.
    GivenUp,
}

impl Direct {
    fn ask(&self) -> u32 {
        let mut questions = self.0.borrow_mut();
        let is_free = |question: &Question| matches!(question, Question::Free);
        let place = questions.iter().position(is_free).unwrap_or(questions.len());
        match questions.get_mut(place) {
            Some(question) => *question = Question::Open(None),
            None => questions.push(Question::Open(None)),
        }
        FIRST + place as u32
    }

    /// Leaves the number free.
    fn take(&self, number: u32) -> Option<Question> {
        let place = number.checked_sub(FIRST)? as usize;
        self.0.borrow_mut().get_mut(place).map(mem::take)
    }

    fn put(&self, number: u32, question: Question) {
        let place = number.saturating_sub(FIRST) as usize;
        if let Some(free) = self.0.borrow_mut().get_mut(place) {
            *free = question;
        }
    }

    /// Takes the answer to a question of ours; any other message is given back.
    pub(super) fn came(&self, number: u32, message: Incoming) -> Option<Incoming> {
        let mut questions = self.0.borrow_mut();
        let place = number.checked_sub(FIRST).map(|place| place as usize);
        let Some(question) = place.and_then(|place| questions.get_mut(place)) else {
            return Some(message);
        };
        match mem::take(question) {
            Question::Open(waker) => {
                *question = Question::Answered(message);
                waker.into_iter().for_each(Waker::wake);
                None
            }
            Question::GivenUp => None,
            // The RPC system says that nobody asked.
            other => {
                *question = other;
                Some(message)
            }
        }
    }

    /// No answer comes any more.
    pub(super) fn wake(&self) {
        for question in &mut *self.0.borrow_mut() {
            if let Question::Open(waker) = question {
                waker.take().into_iter().for_each(Waker::wake);
            }
        }
    }
}

/// An answer to be. Dropped before it is there, the call is given up, and the peer is told.
pub(crate) struct Answer {
    shared: Rc<Shared>,
    /// `None` once it has been given.
    number: Option<u32>,
}

/// Calls `object`. `fill` makes the parameters, with the mark in place of `bytes`.
pub(super) fn call<T: HasTypeId>(
    shared: &Rc<Shared>,
    object: Object,
    method: u16,
    bytes: Bytes,
    fill: impl FnOnce(any_pointer::Builder<'_>, &Mark),
) -> capnp::Result<Answer> {
    let mut outgoing = Outgoing::new(WORDS, Rc::clone(shared));
    let mut call = outgoing.get_body()?.init_as::<message::Builder<'_>>().init_call();
    let number = shared.direct().ask();
    call.set_question_id(number);
    call.reborrow().init_target().set_imported_cap(object);
    call.set_interface_id(T::TYPE_ID);
    call.set_method_id(method);
    fill(call.init_params().get_content(), &MARK);
    outgoing.enclose(bytes).inspect_err(|_| drop(shared.direct().take(number)))?;
    drop(outgoing.leave());
    Ok(Answer { shared: Rc::clone(shared), number: Some(number) })
}

impl Future for Answer {
    type Output = capnp::Result<Returned>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(number) = self.number else { return Poll::Pending };
        if let Some(Question::Answered(message)) = self.shared.direct().take(number) {
            self.number = None;
            return Poll::Ready(Returned::new(message, &self.shared));
        }
        if let Some(why) = self.shared.closed() {
            return Poll::Ready(Err(why.to_error()));
        }
        self.shared.direct().put(number, Question::Open(Some(context.waker().clone())));
        Poll::Pending
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        match self.shared.direct().take(number) {
            Some(Question::Open(_)) => {
                self.shared.direct().put(number, Question::GivenUp);
                finish(&self.shared, number);
            }
            Some(Question::Answered(message)) => drop(Returned::new(message, &self.shared)),
            _ => {}
        }
    }
}

/// The peer may forget the question; what the answer brought is not wanted.
fn finish(shared: &Rc<Shared>, number: u32) {
    let mut outgoing = Outgoing::new(0, Rc::clone(shared));
    if let Ok(body) = outgoing.get_body() {
        let mut finish = body.init_as::<message::Builder<'_>>().init_finish();
        finish.set_question_id(number);
        finish.set_release_result_caps(true);
        drop(outgoing.leave());
    }
}

/// An answer with results.
pub(crate) struct Returned(Incoming);

impl Returned {
    fn new(message: Incoming, shared: &Rc<Shared>) -> capnp::Result<Self> {
        if let Some(answer) = message.returned()? {
            if !answer.get_no_finish_needed() {
                finish(shared, answer.get_answer_id());
            }
            if let return_::Exception(exception) = answer.which()? {
                return Err(error(exception?));
            }
        }
        Ok(Self(message))
    }

    pub(crate) fn results<'a, T: FromPointerReader<'a>>(&'a self) -> capnp::Result<T> {
        match self.0.returned()?.map(return_::Reader::which) {
            Some(Ok(return_::Results(results))) => results?.get_content().get_as(),
            _ => Err(capnp::Error::failed("an answer without results".to_owned())),
        }
    }
}

/// As the RPC system gives it.
fn error(exception: exception::Reader<'_>) -> capnp::Error {
    let kind = match exception.get_type() {
        Ok(exception::Type::Overloaded) => ErrorKind::Overloaded,
        Ok(exception::Type::Disconnected) => ErrorKind::Disconnected,
        Ok(exception::Type::Unimplemented) => ErrorKind::Unimplemented,
        Ok(exception::Type::Failed) | Err(_) => ErrorKind::Failed,
    };
    let reason = exception.get_reason().ok().and_then(|reason| reason.to_str().ok());
    let extra = format!("remote exception: {}", reason.unwrap_or("(malformed error)"));
    capnp::Error { kind, extra }
}
