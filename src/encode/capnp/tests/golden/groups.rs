//! Either encoder.

use crate::encode::capnp::StreamEncoder;
use crate::encode::capnp::columns::ColumnsStream;
use crate::encode::view::{Resource, Scope};

/// What stands around the items.
pub(super) trait Groups {
    fn begin_resource(&mut self, resource: &Resource<'_>);
    fn begin_scope(&mut self, scope: &Scope<'_>);
}

macro_rules! groups {
    ($($encoder:ty),*) => { $(
        impl Groups for $encoder {
            fn begin_resource(&mut self, resource: &Resource<'_>) {
                self.begin_resource(resource);
            }

            fn begin_scope(&mut self, scope: &Scope<'_>) {
                self.begin_scope(scope);
            }
        }
    )* };
}
groups!(StreamEncoder, ColumnsStream);
