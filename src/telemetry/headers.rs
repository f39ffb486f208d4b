//! HTTP's own header map as a carrier.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Extract, Inject};

impl Inject for HeaderMap {
    /// Replaces every value; a name or value that HTTP forbids is ignored, and so is one too many.
    fn set(&mut self, name: &str, value: &str) {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            // `insert` panics where the map is full.
            let _full = self.try_insert(name, value);
        }
    }
}

impl Extract for HeaderMap {
    fn get(&self, name: &str) -> Option<&str> {
        self.get_all(name).iter().find_map(|value| value.to_str().ok())
    }

    /// A value that is not visible ASCII is skipped.
    fn each(&self, name: &str, take: &mut dyn FnMut(&str)) {
        self.get_all(name).iter().filter_map(|value| value.to_str().ok()).for_each(take);
    }
}
