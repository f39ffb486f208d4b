//! One login on one connection, kept alive until nobody needs it.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use capnp::any_pointer;
use capnp::capability::{Promise, Response};
use tokio::task::spawn_local;
use tokio::time::{Instant, timeout};

use super::super::alarm::Alarm;
use super::super::frame::{Body, Frame, Outcome};
use super::super::zstd;
use super::dial::Dialed;
use super::ended::{Ended, Then};
use super::exporter::MAX_BATCH;
use super::hello::{self, Peer};
use super::request::{Batch, Packed};
use super::state::{Refusal, State};
use super::window::Credit;
use super::{Signal, answer};
use crate::config::plan::{Compression, Token};
use crate::encode::capnp::columns::to_rows;
use crate::network::{Answer, Mark, Returned};
use crate::schema::ingest_capnp::frame::Format;
use crate::schema::ingest_capnp::{gateway, session};

/// The number of the method in the schema.
const EXPORT: u16 = 0;
/// Between two pings.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// What a farewell may take.
const FAREWELL: Duration = Duration::from_secs(2);

pub(super) struct Session {
    state: Rc<State>,
    is_local: bool,
    /// Those that no call needs at present.
    alarms: RefCell<Vec<Alarm>>,
}

/// The call of one frame.
pub(super) struct Call<'a> {
    pub(super) frame: &'a Frame,
    pub(super) data: &'a Bytes,
    pub(super) signal: Signal,
    pub(super) process: u64,
    pub(super) compression: Compression,
    pub(super) limit: Option<Duration>,
}

impl Session {
    /// Logs in. Nothing is awaited: the first small batch may follow at once. Call inside a `LocalSet`.
    pub(super) fn start(dialed: Dialed, token: Option<&Token>, handshake: Duration) -> Self {
        let Dialed { system, handle, gateway, is_local } = dialed;
        drop(spawn_local(system));
        let mut request = gateway.open_request();
        hello::write(request.get().init_hello(), zstd::SUPPORTED);
        hello::present(request.get().init_credential(), token.map(Token::as_bytes));
        let opening = request.send();
        let client = opening.pipeline.get_session();
        let state = Rc::new(State::new(handle, client));
        let login = Login { answer: opening.promise, has_token: token.is_some(), handshake };
        drop(spawn_local(keep(Rc::clone(&state), login)));
        Self { state, is_local, alarms: RefCell::default() }
    }

    pub(super) fn is_usable(&self) -> bool {
        self.state.is_usable()
    }

    /// No new call: the farewell follows the last answer.
    pub(super) fn leave(&self) {
        self.state.leave();
    }

    /// Waits until the farewell is said and the connection closed.
    pub(super) async fn over(&self) {
        self.state.handle.over().await;
    }

    /// Sends one frame and waits for its outcome. `Err(None)` is a session that takes no more.
    pub(super) async fn send(&self, call: &Call<'_>) -> Result<Outcome, (Option<Ended>, bool)> {
        let unsent = |refusal| match refusal {
            Refusal::Retired => (None, false),
            Refusal::Ended(ended) => (Some(ended), false),
        };
        let wants_zstd = match call.compression {
            Compression::None => false,
            Compression::OffMachine => !self.is_local,
            Compression::Zstd => true,
        };
        let is_columns = matches!(call.frame.body, Body::Columns(_));
        if wants_zstd || is_columns {
            // What the receiver reads is not known before.
            self.state.opened().await.map_err(|ended| (Some(ended), false))?;
        }
        let rows;
        let (data, format) = match is_columns {
            true if self.state.peer().reads_columns => (call.data, Format::Columns),
            true => {
                let made = to_rows(call.data).map_err(|error| {
                    let error = format!("the columns cannot be made rows: {error}");
                    (Some(Ended::new(Then::Never, error)), false)
                })?;
                if made.len() > MAX_BATCH {
                    let rows = made.len();
                    let error = format!("as rows it has {rows} bytes, the limit is {MAX_BATCH}");
                    return Err((Some(Ended::new(Then::TooLarge, error)), false));
                }
                rows = Bytes::from(made);
                (&rows, Format::RowsStandard)
            }
            false => (call.data, Format::RowsStandard),
        };
        let size = data.len() as u64;
        self.state.takes_uncompressed(size).map_err(|ended| (Some(ended), false))?;
        let packed = Packed::new(data, format, wants_zstd && self.state.peer().reads_zstd);
        let _slot = self.state.room(packed.len() as u64).await.map_err(unsent)?;
        self.state.takes_uncompressed(size).map_err(|ended| (Some(ended), false))?;

        call.frame.mark_sent();
        let answer = pin!(self.answered(self.export(call, format, &packed)));
        drop(packed);
        let deadline = call.limit.and_then(|limit| Instant::now().checked_add(limit));
        let answered = match deadline {
            Some(deadline) => {
                let mut alarm = self.alarms.borrow_mut().pop().unwrap_or_default();
                let answered = alarm.within(deadline, answer).await;
                self.alarms.borrow_mut().push(alarm);
                answered.ok_or_else(|| {
                    self.state.suspect();
                    let limit = call.limit.unwrap_or_default();
                    Ended::new(Then::Again, format!("no answer within {limit:?}"))
                })
            }
            None => Ok(answer.await),
        };
        let read = match answered {
            Ok(Ok(answered)) => self.read(&answered, call.frame.items),
            Ok(Err(error)) => Err(self.failed(&error).await),
            Err(late) => Err(late),
        };
        read.map_err(|ended| (Some(ended), true))
    }

    /// The call: past the RPC system, once it is known how the receiver's object is called.
    fn export(&self, call: &Call<'_>, format: Format, packed: &Packed) -> capnp::Result<Exported> {
        let Call { frame, signal, process, .. } = *call;
        let batch = Batch { frame, signal, format, process };
        if let Some(object) = self.state.object() {
            let data = packed.data.clone();
            let fill = |params: any_pointer::Builder<'_>, mark: &Mark| {
                let params = params.init_as::<session::export_params::Builder<'_>>();
                batch.write(packed, mark, params.init_batch());
            };
            let handle = &self.state.handle;
            return handle
                .call::<session::Client>(object, EXPORT, data, fill)
                .map(Exported::Direct);
        }
        Ok(Exported::Rpc(self.state.ask(|client| {
            let mut request = client.export_request();
            batch.write(packed, &packed.data, request.get().init_batch());
            request.send().promise
        })))
    }

    /// Whether its calls go past the RPC system.
    #[cfg(test)]
    pub(super) fn is_direct(&self) -> bool {
        self.state.object().is_some()
    }

    /// An answer, or the end of the connection: also where the RPC system is gone without a word.
    async fn answered(&self, exported: capnp::Result<Exported>) -> capnp::Result<Answered> {
        let (mut answer, mut over) = (exported?, pin!(self.state.handle.over()));
        poll_fn(|context| match answer.poll(context) {
            Poll::Ready(answered) => Poll::Ready(answered),
            Poll::Pending => over.as_mut().poll(context).map(|why| {
                let why = why.map_or_else(|| "the connection ended".to_owned(), |why| why.detail);
                Err(capnp::Error::disconnected(why))
            }),
        })
        .await
    }

    /// A failed login fails what was sent along with it; what it failed of is the reason then.
    async fn failed(&self, error: &capnp::Error) -> Ended {
        let was_closed = self.state.handle.closed();
        match self.state.opened().await {
            Err(ended) => ended,
            Ok(()) => Ended::of_call(error, was_closed),
        }
    }

    fn read(&self, answered: &Answered, items: u32) -> Result<Outcome, Ended> {
        let read = || {
            let outcome = answered.results()?.get_outcome()?;
            if outcome.has_credit() {
                self.state.renew(outcome.get_credit()?);
            }
            answer::read(outcome, items)
        };
        read().map_err(|error| Ended::new(Then::Once, format!("its answer is malformed: {error}")))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.state.leave();
    }
}

/// An answer to be.
enum Exported {
    Rpc(Promise<Response<session::export_results::Owned>, capnp::Error>),
    Direct(Answer),
}

impl Exported {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<capnp::Result<Answered>> {
        match self {
            Self::Rpc(answer) => Pin::new(answer).poll(context).map_ok(Answered::Rpc),
            Self::Direct(answer) => Pin::new(answer).poll(context).map_ok(Answered::Direct),
        }
    }
}

enum Answered {
    Rpc(Response<session::export_results::Owned>),
    Direct(Returned),
}

impl Answered {
    fn results(&self) -> capnp::Result<session::export_results::Reader<'_>> {
        match self {
            Self::Rpc(answer) => answer.get(),
            Self::Direct(answer) => answer.results(),
        }
    }
}

struct Login {
    answer: Promise<Response<gateway::open_results::Owned>, capnp::Error>,
    has_token: bool,
    handshake: Duration,
}

/// Logs in, pings, says farewell.
async fn keep(state: Rc<State>, login: Login) {
    // A ping that takes longer than a login may shows that nobody is there.
    let patience = login.handshake;
    let ended = match logged_in(&state, login).await {
        Ok(()) => keep_alive(&state, patience).await,
        Err(ended) => ended,
    };
    state.end(ended);
}

async fn logged_in(state: &State, login: Login) -> Result<(), Ended> {
    let Login { answer, has_token, handshake } = login;
    let answer = timeout(handshake, answer).await.map_err(|_| {
        let error =
            format!("not a Cap'n Proto receiver, or a busy one: no login within {handshake:?}");
        Ended::new(Then::Again, error)
    })?;
    let response =
        answer.map_err(|error| Ended::of_login(&error, state.handle.closed(), has_token))?;
    let read = || {
        let opened = response.get()?;
        let credit = opened.has_credit().then(|| opened.get_credit()).transpose()?;
        let peer = Peer::of(opened.get_hello()?);
        state.open(opened.get_session()?, peer, credit.map(Credit::from));
        Ok(())
    };
    read().map_err(|error: capnp::Error| {
        Ended::new(Then::Once, format!("its answer to the login is malformed: {error}"))
    })
}

/// Until the session is left or its connection ends; says why.
async fn keep_alive(state: &State, patience: Duration) -> Ended {
    loop {
        let next = timeout(KEEP_ALIVE, first(state)).await;
        match next {
            Ok(Reason::Over(ended)) => return ended,
            Ok(Reason::Left) => {
                let farewell = state.client.borrow().close_request().send().promise;
                drop(timeout(FAREWELL, farewell).await);
                return Ended::new(Then::Again, "closed");
            }
            Ok(Reason::Suspect) | Err(_) => {}
        }
        let ping = state.client.borrow().ping_request().send().promise;
        match timeout(patience, ping).await {
            Ok(Ok(pong)) => {
                if let Ok(pong) = pong.get() {
                    if pong.has_credit() {
                        pong.get_credit().into_iter().for_each(|credit| state.renew(credit));
                    }
                }
            }
            Ok(Err(error)) if state.handle.closed().is_none() && is_alive(&error) => {}
            Ok(Err(error)) => return Ended::of_call(&error, state.handle.closed()),
            Err(_) => {
                let error = format!("the receiver did not answer a ping within {patience:?}");
                return Ended::new(Then::Again, error);
            }
        }
    }
}

/// A receiver that does not know pings is there all the same.
fn is_alive(error: &capnp::Error) -> bool {
    error.kind == capnp::ErrorKind::Unimplemented
}

enum Reason {
    Left,
    Suspect,
    Over(Ended),
}

/// What happens first to a session in peace.
async fn first(state: &State) -> Reason {
    let mut over = pin!(state.handle.over());
    let (mut left, mut suspected) = (pin!(state.left()), pin!(state.suspected()));
    poll_fn(|context| {
        if let Poll::Ready(why) = over.as_mut().poll(context) {
            let why = why.map_or_else(|| "the connection ended".to_owned(), |why| why.detail);
            return Poll::Ready(Reason::Over(Ended::new(Then::Again, why)));
        }
        if left.as_mut().poll(context).is_ready() {
            return Poll::Ready(Reason::Left);
        }
        suspected.as_mut().poll(context).map(|()| Reason::Suspect)
    })
    .await
}
