//! What a batch has beside its items, in rows and in columns the same: texts, values, resources and scopes.

use super::groups::Groups;
use super::value::{Mark, Values};
use crate::encode::view::{Resource, Scope};

/// All its memory is kept from batch to batch.
#[derive(Debug)]
pub(super) struct Around {
    pub(super) values: Values,
    pub(super) groups: Groups,
    /// What every batch begins with: how many resources, and their values.
    kept: (usize, Mark),
}

impl Around {
    pub(super) fn new() -> Self {
        let values = Values::default();
        Self { kept: (0, values.mark()), values, groups: Groups::default() }
    }

    /// Of batches that are all of this resource.
    pub(super) fn of(resource: &Resource<'_>) -> Self {
        let mut around = Self::new();
        around.add_resource(resource);
        around.kept = (1, around.values.mark());
        around
    }

    pub(super) fn add_resource(&mut self, resource: &Resource<'_>) {
        self.groups.add_resource(&mut self.values, resource);
    }

    /// A new scope, and its number.
    pub(super) fn add_scope(&mut self, scope: &Scope<'_>) -> u32 {
        if self.groups.resources().is_empty() {
            self.add_resource(&Resource::default());
        }
        self.groups.add_scope(&mut self.values, scope)
    }

    /// The number of a scope, which is added if it is new.
    pub(super) fn scope(&mut self, scope: &Scope<'_>) -> u32 {
        let found = self.groups.find_scope(&self.values, scope);
        found.unwrap_or_else(|| self.add_scope(scope))
    }

    /// Whether there is nothing to send: what every batch has is not.
    pub(super) fn is_empty(&self) -> bool {
        match self.kept.0 {
            0 => self.groups.resources().is_empty(),
            _ => self.groups.is_without_scopes(),
        }
    }

    /// For the next batch.
    pub(super) fn reset(&mut self) {
        self.groups.reset(self.kept.0 != 0);
        self.values.reset(self.kept.1);
    }
}
