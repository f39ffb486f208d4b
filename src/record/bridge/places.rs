//! Where `tracing` events are made, as attributes: written once for each place and thread, then copied.

use std::cell::RefCell;

use tracing::Metadata;

use super::super::attributes::AttributeBuffer;
use super::super::local::Local;
use super::super::log::LogLimits;
use super::set_place;

/// A power of two; two places that want the same one take turns.
const PLACES: usize = 64;

/// A thread's places.
#[derive(Debug, Default)]
pub(crate) struct Places(RefCell<Vec<Place>>);

#[derive(Debug, Default)]
struct Place {
    /// The address of its metadata, which is static; 0 for none.
    of: usize,
    limits: LogLimits,
    attributes: AttributeBuffer,
}

impl Places {
    /// Adds the attributes of an event's place.
    #[inline]
    pub(super) fn write(
        &self,
        local: &Local,
        metadata: &'static Metadata<'static>,
        limits: LogLimits,
        to: &mut AttributeBuffer,
    ) {
        let of = std::ptr::from_ref(metadata).addr();
        let mut places = self.0.borrow_mut();
        if let Some(place) = places.get(at(of)) {
            if place.of == of && place.limits == limits {
                return to.extend(&place.attributes, limits.attributes);
            }
        }
        if places.is_empty() {
            places.resize_with(PLACES, Place::default);
        }
        let place = &mut places[at(of)];
        place.fill(local, metadata, limits);
        to.extend(&place.attributes, limits.attributes);
    }
}

/// Metadata is larger than 64 bytes, so its neighbours have other places.
const fn at(of: usize) -> usize {
    (of >> 6) % PLACES
}

impl Place {
    #[cold]
    fn fill(&mut self, local: &Local, metadata: &'static Metadata<'static>, limits: LogLimits) {
        (self.of, self.limits) = (std::ptr::from_ref(metadata).addr(), limits);
        let attributes = &mut self.attributes;
        attributes.clear();
        set_place(local, metadata.file(), metadata.line(), |key, value| {
            attributes.set(key, value, u32::MAX, limits.value_length);
        });
    }
}
