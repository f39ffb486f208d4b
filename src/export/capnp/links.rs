//! All connections of one thread.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::rc::{Rc, Weak};

use super::link::Link;
use crate::config::plan::{CapnpPlan, Target, Token};
use crate::tls::Certificates;

/// Where the exporters of a thread find their connections: exporters of one endpoint share one. Clones are
/// the same registry.
#[derive(Clone)]
pub(crate) struct Links {
    all: Rc<RefCell<HashMap<Key, Weak<Link>>>>,
    /// Distinguishes the exporters of this registry from those of any other, also after a fork.
    process: u64,
}

type Key = (Target, Option<Token>, Certificates);

impl Links {
    pub(crate) fn new() -> Self {
        Self { all: Rc::default(), process: RandomState::new().build_hasher().finish() }
    }

    pub(super) fn process(&self) -> u64 {
        self.process
    }

    pub(super) fn link(&self, plan: &CapnpPlan) -> Rc<Link> {
        let mut all = self.all.borrow_mut();
        let key = (plan.target.clone(), plan.token.clone(), plan.certificates.clone());
        if let Some(link) = all.get(&key).and_then(Weak::upgrade) {
            return link;
        }
        let link = Rc::new(Link::new(&plan.target, plan.token.clone(), &plan.certificates));
        all.retain(|_, link| link.strong_count() > 0);
        all.insert(key, Rc::downgrade(&link));
        link
    }

    /// Ends every session: the receiver is told, and what is queued is written. To be awaited before the
    /// runtime goes, no longer than the caller can wait.
    pub(crate) async fn close(&self) {
        let all: Vec<_> = self.all.borrow().values().filter_map(Weak::upgrade).collect();
        for link in all {
            link.close().await;
        }
    }
}
