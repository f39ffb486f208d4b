//! The scopes of one batch, by what the items of our own recorder call them.

use std::collections::HashMap;

use crate::encode::view::{Scope, scope_parts};

/// Items without a scope's name are of the crate's own.
#[derive(Debug)]
pub(super) struct Scopes {
    own_name: String,
    own_version: String,
    own: Option<u32>,
    others: HashMap<String, u32>,
}

impl Scopes {
    pub(super) fn new(own_name: &str, own_version: &str) -> Self {
        let (own_name, own_version) = (own_name.to_owned(), own_version.to_owned());
        Self { own_name, own_version, own: None, others: HashMap::new() }
    }

    /// The number of the scope that items call `name`, which is added if it is new.
    #[inline]
    pub(super) fn number(&mut self, name: &str, mut add: impl FnMut(&Scope<'_>) -> u32) -> u32 {
        if name.is_empty() {
            let (name, version) = (self.own_name.as_str(), self.own_version.as_str());
            return *self
                .own
                .get_or_insert_with(|| add(&Scope { name, version, ..Scope::default() }));
        }
        match self.others.get(name) {
            Some(number) => *number,
            None => {
                let parts = scope_parts(name);
                let scope = Scope { name: parts.0, version: parts.1, ..Scope::default() };
                let number = add(&scope);
                self.others.insert(name.to_owned(), number);
                number
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.own = None;
        self.others.clear();
    }
}
