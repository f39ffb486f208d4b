//! The one connection of an endpoint, made anew whenever it is gone.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::timeout;

use super::super::frame::Outcome;
use super::dial::Dialer;
use super::ended::{Ended, Then};
use super::session::{Call, Session};
use crate::config::plan::{Target, Token};
use crate::tls::Certificates;

/// Connecting and logging in may take so long, each.
const HANDSHAKE: Duration = Duration::from_secs(10);

pub(super) struct Link {
    token: Option<Token>,
    session: RefCell<Option<Rc<Session>>>,
    /// One attempt at a time; who waited for it shares what it came to.
    dialer: Mutex<Dialer>,
    attempts: Cell<u64>,
    failure: RefCell<String>,
}

impl Link {
    pub(super) fn new(target: &Target, token: Option<Token>, certificates: &Certificates) -> Self {
        Self {
            token,
            session: RefCell::default(),
            dialer: Mutex::new(Dialer::new(target, certificates)),
            attempts: Cell::new(0),
            failure: RefCell::default(),
        }
    }

    /// One attempt. A session that takes no more is replaced at once.
    pub(super) async fn send(&self, call: &Call<'_>) -> Result<Outcome, (Ended, bool)> {
        for _ in 0..2 {
            let session = self.session(call.limit).await.map_err(|ended| (ended, false))?;
            match session.send(call).await {
                Ok(outcome) => return Ok(outcome),
                Err((Some(ended), sent)) => return Err((ended, sent)),
                Err((None, _)) => self.forget(&session),
            }
        }
        Err((Ended::new(Then::Again, "the receiver takes nothing at present"), false))
    }

    async fn session(&self, limit: Option<Duration>) -> Result<Rc<Session>, Ended> {
        if let Some(session) = self.usable() {
            return Ok(session);
        }
        // Apart, since it is large and rare: each call would have the room for it.
        Box::pin(self.connect(limit)).await
    }

    async fn connect(&self, limit: Option<Duration>) -> Result<Rc<Session>, Ended> {
        let seen = self.attempts.get();
        let mut dialer = self.dialer.lock().await;
        if let Some(session) = self.usable() {
            return Ok(session);
        }
        if self.attempts.get() != seen {
            return Err(Ended::new(Then::Again, self.failure.borrow().clone()));
        }
        let handshake = limit.map_or(HANDSHAKE, |limit| limit.min(HANDSHAKE));
        let dialed = timeout(handshake, dialer.dial()).await;
        let dialed =
            dialed.unwrap_or_else(|_| Err(format!("{} within {handshake:?}", dialer.missing())));
        self.attempts.set(self.attempts.get() + 1);
        let dialed = dialed.map_err(|error| {
            self.failure.borrow_mut().clone_from(&error);
            Ended::new(Then::Again, error)
        })?;
        let session = Rc::new(Session::start(dialed, self.token.as_ref(), handshake));
        let before = self.session.replace(Some(Rc::clone(&session)));
        drop(before);
        Ok(session)
    }

    #[cfg(test)]
    pub(super) fn is_direct(&self) -> bool {
        self.usable().is_some_and(|session| session.is_direct())
    }

    fn usable(&self) -> Option<Rc<Session>> {
        let session = self.session.borrow();
        session.as_ref().filter(|session| session.is_usable()).map(Rc::clone)
    }

    /// Nothing new goes over `session`; what is in flight on it holds it.
    fn forget(&self, session: &Rc<Session>) {
        let is_it = |kept: &Rc<Session>| Rc::ptr_eq(kept, session);
        let kept = self.session.borrow_mut().take_if(|kept| is_it(kept));
        drop(kept);
    }

    /// Says farewell and waits for the end of the connection.
    pub(super) async fn close(&self) {
        let kept = self.session.borrow_mut().take();
        if let Some(session) = kept {
            session.leave();
            session.over().await;
        }
    }
}
