//! Places in the program where `tracing` events and spans are made, with what is the same each time:
//! their fields' names, and of events the attributes that say where it is. Written once for each place
//! and thread, then copied.

use std::cell::RefCell;
use std::rc::Rc;

use tracing::Metadata;

use super::super::attributes::{AttributeBuffer, Key};
use super::super::local::Local;
use super::super::log::LogLimits;
use super::set_place;

/// A power of two; two places that want the same one take turns.
const PLACES: usize = 512;

/// A thread's places.
#[derive(Debug)]
pub(crate) struct Places(RefCell<Vec<Rc<Place>>>);

#[derive(Debug, Default)]
pub(super) struct Place {
    /// The address of its metadata, which is static; 0 for none.
    of: usize,
    limits: LogLimits,
    /// By the fields' indices.
    pub(super) keys: Vec<Key>,
    /// An event's.
    pub(super) attributes: AttributeBuffer,
}

impl Places {
    pub(crate) const fn new() -> Self {
        Self(RefCell::new(Vec::new()))
    }

    /// Forgets them all.
    pub(crate) fn clear(&self) {
        drop(self.0.take());
    }

    /// What is known of a place.
    #[inline]
    pub(super) fn find(
        &self,
        local: &Local,
        metadata: &'static Metadata<'static>,
        limits: LogLimits,
    ) -> Rc<Place> {
        let of = std::ptr::from_ref(metadata).addr();
        // Lent as a pointer of its own: a field's `Debug` may come back here.
        if let Some(place) = self.0.borrow().get(at(of)) {
            if place.of == of && place.limits == limits {
                return Rc::clone(place);
            }
        }
        self.learn(local, metadata, limits)
    }

    #[cold]
    fn learn(
        &self,
        local: &Local,
        metadata: &'static Metadata<'static>,
        limits: LogLimits,
    ) -> Rc<Place> {
        let of = std::ptr::from_ref(metadata).addr();
        let mut places = self.0.borrow_mut();
        if places.is_empty() {
            // One for all, until they differ.
            places.resize(PLACES, Rc::default());
        }
        let place = &mut places[at(of)];
        match Rc::get_mut(place) {
            Some(place) => place.fill(local, metadata, limits),
            None => {
                let mut new = Place::default();
                new.fill(local, metadata, limits);
                *place = Rc::new(new);
            }
        }
        Rc::clone(place)
    }
}

/// Metadata is larger than 64 bytes, so its neighbours have other places.
const fn at(of: usize) -> usize {
    (of >> 6) % PLACES
}

/// Fields that mean something, so that their names are looked at each time.
fn has_meaning(name: &str) -> bool {
    matches!(name, "message" | "error") || name.starts_with("otel.")
}

impl Place {
    fn fill(&mut self, local: &Local, metadata: &'static Metadata<'static>, limits: LogLimits) {
        (self.of, self.limits) = (std::ptr::from_ref(metadata).addr(), limits);
        self.keys.clear();
        let names = metadata.fields().iter().map(|field| field.name());
        self.keys.extend(names.map(|name| match has_meaning(name) {
            true => Key::NONE,
            false => Key::new(name),
        }));
        let attributes = &mut self.attributes;
        attributes.clear();
        if metadata.is_event() {
            set_place(local, metadata.file(), metadata.line(), |key, value| {
                attributes.set(key, value, u32::MAX, limits.value_length);
            });
        }
    }
}
