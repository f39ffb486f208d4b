//! A peer of bare frames: it says what it likes, in whatever order.

use std::io;
use std::net::TcpStream;

use capnp::message::{Builder, HeapAllocator, ReaderOptions};
use capnp::traits::HasTypeId;
use capnp_rpc::rpc_capnp::{call, exception, message, payload, return_};

use super::SOON;
use crate::schema::ingest_capnp::outcome::{self, Rejection};
use crate::schema::ingest_capnp::{batch, gateway, session};

/// The question of the log-in, which stands for its session afterwards.
pub(crate) const BOOTSTRAP: u32 = 0;
pub(crate) const OPEN: u32 = 1;
pub(crate) const SESSION: Target = Target::Within(OPEN);

/// One message as its bytes.
pub(crate) fn frame(fill: impl FnOnce(message::Builder<'_>)) -> Vec<u8> {
    let mut message = Builder::new(HeapAllocator::new().first_segment_words(4096));
    fill(message.init_root());
    capnp::serialize::write_message_to_words(&message)
}

pub(crate) fn bootstrap(question: u32) -> Vec<u8> {
    frame(|root| root.init_bootstrap().set_question_id(question))
}

pub(crate) fn finish(question: u32) -> Vec<u8> {
    frame(|root| root.init_finish().set_question_id(question))
}

/// Whom a call is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// The answer to a question as it is.
    Answer(u32),
    /// A capability within the answer to a question.
    Within(u32),
    /// A number, known or guessed.
    Number(u32),
}

pub(crate) fn call(
    question: u32,
    target: Target,
    (interface, method): (u64, u16),
    fill: impl FnOnce(payload::Builder<'_>),
) -> Vec<u8> {
    frame(|root| {
        let mut call: call::Builder<'_> = root.init_call();
        call.set_question_id(question);
        call.set_interface_id(interface);
        call.set_method_id(method);
        let mut to = call.reborrow().init_target();
        match target {
            Target::Number(number) => to.set_imported_cap(number),
            Target::Answer(question) => to.init_promised_answer().set_question_id(question),
            Target::Within(question) => {
                let mut answer = to.init_promised_answer();
                answer.set_question_id(question);
                answer.init_transform(1).get(0).set_get_pointer_field(0);
            }
        }
        fill(call.init_params());
    })
}

pub(crate) fn open(question: u32, token: Option<&[u8]>) -> Vec<u8> {
    let method = (gateway::Client::TYPE_ID, 0);
    call(question, Target::Answer(BOOTSTRAP), method, |params| {
        let params = params.init_content().init_as::<gateway::open_params::Builder<'_>>();
        let mut credential = params.init_credential();
        match token {
            Some(token) => credential.set_bearer(token),
            None => credential.set_anonymous(()),
        }
    })
}

pub(crate) fn ping(question: u32, session: Target) -> Vec<u8> {
    call(question, session, (session::Client::TYPE_ID, 1), |params| {
        let mut params = params.init_content().init_as::<session::ping_params::Builder<'_>>();
        params.set_nonce(question.into());
    })
}

pub(crate) fn export(
    question: u32,
    session: Target,
    fill: impl FnOnce(batch::Builder<'_>),
) -> Vec<u8> {
    call(question, session, (session::Client::TYPE_ID, 0), |params| {
        let params = params.init_content().init_as::<session::export_params::Builder<'_>>();
        fill(params.init_batch());
    })
}

/// What a peer is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Accepted,
    Duplicate,
    Retry(String),
    Rejected(Rejection, String),
    /// Any other answer that is none of an export.
    Answered,
    Failed(String),
    Unimplemented(String),
    Aborted(String),
    Closed,
}

/// One that waits no longer than tests do.
pub(crate) fn socket(address: &str) -> TcpStream {
    let socket = TcpStream::connect(address).expect("it listens");
    socket.set_nodelay(true).expect("a socket has options");
    socket.set_read_timeout(Some(SOON)).expect("a socket has options");
    socket.set_write_timeout(Some(SOON)).expect("a socket has options");
    socket
}

/// A socket, or something over one.
pub(crate) trait Wire: io::Read + io::Write + Send {
    fn socket(&self) -> &TcpStream;
}

impl Wire for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

pub(crate) struct Peer {
    wire: Box<dyn Wire>,
    question: u32,
    session: Target,
}

impl Peer {
    pub(crate) fn dial(address: &str) -> Self {
        Self::over(Box::new(socket(address)))
    }

    pub(crate) fn over(wire: Box<dyn Wire>) -> Self {
        Self { wire, question: OPEN, session: Target::Within(OPEN) }
    }

    /// Logged in.
    pub(crate) fn known(address: &str, token: Option<&[u8]>) -> Self {
        let mut peer = Self::dial(address);
        peer.begin(token);
        assert!(peer.began(), "the log-in failed");
        peer
    }

    /// The log-in without its answers.
    pub(crate) fn begin(&mut self, token: Option<&[u8]>) {
        let login = [bootstrap(BOOTSTRAP), open(OPEN, token)].concat();
        self.send(&login).expect("it is read");
    }

    /// Done with the questions of the log-in, as exporters are; it keeps the session itself.
    pub(crate) fn settle(&mut self) {
        // The gateway has number 0 and the session number 1, as they were exported.
        self.session = Target::Number(1);
        let done = |question| {
            frame(|root| {
                let mut finish = root.init_finish();
                finish.set_question_id(question);
                finish.set_release_result_caps(false);
            })
        };
        self.send(&[done(BOOTSTRAP), done(OPEN)].concat()).expect("it is read");
    }

    /// Whether the log-in was taken.
    pub(crate) fn began(&mut self) -> bool {
        self.hear() == (BOOTSTRAP, Said::Answered) && self.hear() == (OPEN, Said::Answered)
    }

    pub(crate) fn session(&self) -> Target {
        self.session
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        self.wire.socket()
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.wire.write_all(bytes)
    }

    /// A question that was not asked yet.
    pub(crate) fn next(&mut self) -> u32 {
        self.question += 1;
        self.question
    }

    /// Sends a batch and hears what it is answered.
    pub(crate) fn export(&mut self, fill: impl FnOnce(batch::Builder<'_>)) -> Said {
        let question = self.next();
        if self.send(&export(question, self.session, fill)).is_err() {
            return self.last();
        }
        self.answer(question)
    }

    pub(crate) fn ping(&mut self) -> Said {
        let question = self.next();
        if self.send(&ping(question, self.session)).is_err() {
            return self.last();
        }
        self.answer(question)
    }

    /// The answer to a question; others before it are passed over.
    pub(crate) fn answer(&mut self, question: u32) -> Said {
        loop {
            match self.hear() {
                (answered, said) if answered == question => return said,
                (_, said @ (Said::Aborted(_) | Said::Closed)) => return said,
                _ => {}
            }
        }
    }

    /// Why the connection ended; answers before that are passed over.
    pub(crate) fn last(&mut self) -> Said {
        loop {
            if let (_, said @ (Said::Aborted(_) | Said::Closed)) = self.hear() {
                return said;
            }
        }
    }

    /// Whether the connection is closed by the receiver within the time that sockets wait here.
    pub(crate) fn is_ended(&mut self) -> bool {
        let mut rest = [0; 4096];
        loop {
            match self.wire.read(&mut rest) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => return error.kind() == io::ErrorKind::ConnectionReset,
            }
        }
    }

    /// The next answer, and the question to it.
    pub(crate) fn hear(&mut self) -> (u32, Said) {
        let options = ReaderOptions::new();
        match capnp::serialize::try_read_message(&mut self.wire, options) {
            Ok(Some(message)) => read(message.get_root().expect("what we get is sound")),
            // A receiver that closes with bytes unread resets the connection.
            Ok(None) => (0, Said::Closed),
            Err(error) if error.kind == capnp::ErrorKind::Overloaded => {
                panic!("no end within {SOON:?}")
            }
            Err(_) => (0, Said::Closed),
        }
    }
}

fn read(message: message::Reader<'_>) -> (u32, Said) {
    let text = |text: capnp::Result<capnp::text::Reader<'_>>| {
        text.ok().and_then(|text| text.to_string().ok()).unwrap_or_default()
    };
    match message.which() {
        Ok(message::Return(Ok(answer))) => {
            let said = match answer.which() {
                Ok(return_::Exception(Ok(exception))) => {
                    let reason = text(exception.get_reason());
                    match exception.get_type() {
                        Ok(exception::Type::Unimplemented) => Said::Unimplemented(reason),
                        _ => Said::Failed(reason),
                    }
                }
                Ok(return_::Results(Ok(results))) => outcome_of(results).unwrap_or(Said::Answered),
                _ => Said::Failed("no answer of a known kind".to_owned()),
            };
            (answer.get_answer_id(), said)
        }
        Ok(message::Abort(Ok(exception))) => (0, Said::Aborted(text(exception.get_reason()))),
        _ => (0, Said::Answered),
    }
}

/// The outcome of an export; other answers have no text where that stands.
fn outcome_of(results: payload::Reader<'_>) -> Option<Said> {
    if !results.get_cap_table().ok()?.is_empty() {
        return None;
    }
    let results = results.get_content().get_as::<session::export_results::Reader<'_>>().ok()?;
    let outcome = results.get_outcome().ok()?;
    let text = |text: capnp::Result<capnp::text::Reader<'_>>| {
        text.ok().and_then(|text| text.to_string().ok()).unwrap_or_default()
    };
    Some(match outcome.which().ok()? {
        outcome::Accepted(()) => Said::Accepted,
        outcome::Duplicate(()) => Said::Duplicate,
        outcome::Retry(retry) => Said::Retry(text(retry.get_reason())),
        outcome::Rejected(rejected) => {
            Said::Rejected(rejected.get_reason().ok()?, text(rejected.get_detail()))
        }
        _ => return None,
    })
}
