//! Where a session stands, for the calls on it and for the task that keeps it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use capnp::capability::FromClientHook as _;
use tokio::sync::{Mutex, Notify};

use super::ended::{Ended, Then};
use super::hello::Peer;
use super::window::{Credit, Window};
use crate::network::{Handle, Object};
use crate::schema::ingest_capnp::{credit, session};

pub(super) struct State {
    pub(super) handle: Handle,
    pub(super) client: RefCell<session::Client>,
    /// What `client` is on the wire, once it is known and stays.
    object: Cell<Option<Object>>,
    phase: RefCell<Phase>,
    /// What the receiver last allowed; `None` before its first word.
    credit: Cell<Option<Credit>>,
    peer: Cell<Peer>,
    window: Window,
    /// Whoever waits for room holds this: batches leave in the order in which they came.
    turn: Mutex<()>,
    /// No call holds the session any more, and nobody will.
    is_left: Cell<bool>,
    is_suspect: Cell<bool>,
    changed: Notify,
    /// For whoever keeps the session, and not for each call.
    duty: Notify,
}

#[derive(Clone, Debug)]
enum Phase {
    /// The login is under way.
    Opening,
    Open,
    /// What is in flight is finished, nothing more is begun.
    Retired,
    Ended(Ended),
}

/// Why a batch cannot be sent on this session.
pub(super) enum Refusal {
    /// On the next one it can.
    Retired,
    Ended(Ended),
}

/// Room in the window, until dropped.
pub(super) struct Slot {
    state: Rc<State>,
    size: u64,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.state.window.give_back(self.size);
        self.state.changed.notify_waiters();
        if self.state.is_done() {
            self.state.duty.notify_waiters();
        }
    }
}

impl State {
    pub(super) fn new(handle: Handle, client: session::Client) -> Self {
        Self {
            handle,
            client: RefCell::new(client),
            object: Cell::new(None),
            phase: RefCell::new(Phase::Opening),
            credit: Cell::new(None),
            peer: Cell::default(),
            window: Window::default(),
            turn: Mutex::new(()),
            is_left: Cell::new(false),
            is_suspect: Cell::new(false),
            changed: Notify::new(),
            duty: Notify::new(),
        }
    }

    /// Whether new batches can go over it.
    pub(super) fn is_usable(&self) -> bool {
        matches!(*self.phase.borrow(), Phase::Opening | Phase::Open)
            && self.handle.closed().is_none()
    }

    pub(super) fn peer(&self) -> Peer {
        self.peer.get()
    }

    /// The login is done.
    pub(super) fn open(&self, client: session::Client, peer: Peer, credit: Option<Credit>) {
        self.peer.set(peer);
        // A receiver that allows nothing in particular gets what we allow ourselves.
        let unsaid = Credit { batches: u32::MAX, bytes: 0, batch: 0, uncompressed: 0 };
        self.credit.set(Some(credit.unwrap_or(unsaid)));
        let before = self.client.replace(client);
        self.object.set(None);
        self.set(if self.credit.get().is_some_and(|credit| credit.batches == 0) {
            Phase::Retired
        } else {
            Phase::Open
        });
        drop(before);
    }

    /// The receiver's object, for calls past the RPC system.
    pub(super) fn object(&self) -> Option<Object> {
        self.object.get()
    }

    /// Makes a call by the RPC system, and finds out whether the next one needs it.
    pub(super) fn ask<T>(&self, call: impl FnOnce(&session::Client) -> T) -> T {
        let client = self.client.borrow();
        let (made, object) = self.handle.object_of(|| call(&client));
        // Of a promise may come another object, and its number is free then.
        let is_settled = client.as_client_hook().when_more_resolved().is_none();
        self.object.set(object.filter(|_| is_settled));
        made
    }

    /// Fresh credit, with an answer or a ping. None at all ends the session once all is answered.
    pub(super) fn renew(&self, credit: credit::Reader<'_>) {
        let credit = Credit::from(credit);
        self.credit.set(Some(credit));
        let is_open = matches!(*self.phase.borrow(), Phase::Opening | Phase::Open);
        if credit.batches == 0 && is_open {
            self.set(Phase::Retired);
        }
        self.changed.notify_waiters();
    }

    /// The session is over; the first reason stands.
    pub(super) fn end(&self, ended: Ended) {
        self.handle.close(&ended.error);
        let is_over = matches!(*self.phase.borrow(), Phase::Ended(_));
        if !is_over {
            self.set(Phase::Ended(ended));
        }
    }

    fn set(&self, phase: Phase) {
        *self.phase.borrow_mut() = phase;
        self.changed.notify_waiters();
        self.duty.notify_waiters();
    }

    /// The login's result, once there is one.
    pub(super) async fn opened(&self) -> Result<(), Ended> {
        self.until(|state| match &*state.phase.borrow() {
            Phase::Opening => None,
            Phase::Open | Phase::Retired => Some(Ok(())),
            Phase::Ended(ended) => Some(Err(ended.clone())),
        })
        .await
    }

    /// Waits for room for `size` bytes, in turn.
    pub(super) async fn room(self: &Rc<Self>, size: u64) -> Result<Slot, Refusal> {
        let _turn = self.turn.lock().await;
        self.until(|state| state.room_now(size)).await?;
        self.window.take(size);
        Ok(Slot { state: Rc::clone(self), size })
    }

    fn room_now(&self, size: u64) -> Option<Result<(), Refusal>> {
        match &*self.phase.borrow() {
            Phase::Retired => return Some(Err(Refusal::Retired)),
            Phase::Ended(ended) => return Some(Err(Refusal::Ended(ended.clone()))),
            Phase::Opening | Phase::Open => {}
        }
        let credit = self.credit.get();
        if let Some(most) = credit.and_then(|credit| over(size, credit)) {
            let error = format!("the batch has {size} bytes, the receiver takes {most} at most");
            return Some(Err(Refusal::Ended(Ended::new(Then::TooLarge, error))));
        }
        self.window.has_room(size, credit).then_some(Ok(()))
    }

    /// Whether a batch of so many bytes before compression is taken.
    pub(super) fn takes_uncompressed(&self, size: u64) -> Result<(), Ended> {
        match self.credit.get() {
            Some(Credit { uncompressed: most @ 1.., .. }) if size > most => {
                let error = format!(
                    "the batch has {size} bytes uncompressed, the receiver takes {most} at most"
                );
                Err(Ended::new(Then::TooLarge, error))
            }
            _ => Ok(()),
        }
    }

    /// A call was not answered in time: is the peer there at all?
    pub(super) fn suspect(&self) {
        self.is_suspect.set(true);
        self.duty.notify_waiters();
    }

    pub(super) fn leave(&self) {
        self.is_left.set(true);
        self.duty.notify_waiters();
    }

    /// Waits until nobody needs the session, and all is answered.
    pub(super) async fn left(&self) {
        let is_left = |state: &Self| state.is_done() && state.window.is_empty();
        self.noticing(&self.duty, |state| is_left(state).then_some(())).await;
    }

    fn is_done(&self) -> bool {
        self.is_left.get() || matches!(*self.phase.borrow(), Phase::Retired)
    }

    /// Waits for a reason to look after the peer before its time.
    pub(super) async fn suspected(&self) {
        self.noticing(&self.duty, |state| state.is_suspect.replace(false).then_some(())).await;
    }

    async fn until<T>(&self, condition: impl Fn(&Self) -> Option<T>) -> T {
        self.noticing(&self.changed, condition).await
    }

    async fn noticing<T>(&self, notify: &Notify, condition: impl Fn(&Self) -> Option<T>) -> T {
        loop {
            let noticed = notify.notified();
            if let Some(found) = condition(self) {
                return found;
            }
            noticed.await;
        }
    }
}

/// The limit that `size` alone is over, if it is over one.
fn over(size: u64, credit: Credit) -> Option<u64> {
    [credit.batch, credit.bytes].into_iter().filter(|most| *most > 0 && size > *most).min()
}
