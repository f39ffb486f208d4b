//! W3C headers in and out.

use crate::context::{self, Getter, Parent};
use crate::record::{current, gate};

use super::super::{Extract, Inject};

/// Hands each header of the current context to the closure, by its lower-case name.
///
/// None where there is no context, and before `init`. Which headers: `OTEL_PROPAGATORS`.
///
/// ```
/// use trackside::telemetry;
///
/// let mut headers = Vec::new();
/// telemetry::inject(|name, value| headers.push((name.to_owned(), value.to_owned())));
/// ```
pub fn inject(mut set: impl FnMut(&str, &str)) {
    if gate::read() != 0 {
        context::inject(&current::context(), context::chosen(), &mut set);
    }
}

/// Writes the current context into a carrier; what stood under these names is replaced.
///
/// ```
/// use std::collections::HashMap;
/// use trackside::telemetry;
///
/// let mut headers = HashMap::new();
/// telemetry::inject_into(&mut headers);
/// ```
pub fn inject_into(carrier: &mut (impl Inject + ?Sized)) {
    inject(|name, value| carrier.set(name, value));
}

/// Reads a context; malformed or absent is [`Parent::root`].
///
/// The closure is asked for lower-case names. Where a header stands on several lines it sees the
/// first only: use [`extract_from`] there. Before `init` it is the root.
///
/// ```
/// use std::collections::HashMap;
/// use trackside::telemetry;
///
/// let headers: HashMap<String, String> = HashMap::new();
/// let caller = telemetry::extract(|name| headers.get(name).map(String::as_str));
/// assert!(caller.trace_id().is_none());
/// ```
pub fn extract<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Parent {
    extract_from(&Getter::new(get))
}

/// Reads a context from a carrier; malformed or absent is [`Parent::root`]. Before `init` it is the root.
///
/// ```
/// use trackside::telemetry;
///
/// let headers: Vec<(String, String)> = Vec::new();
/// assert!(telemetry::extract_from(&headers).trace_id().is_none());
/// ```
pub fn extract_from(carrier: &(impl Extract + ?Sized)) -> Parent {
    if gate::read() == 0 { Parent::root() } else { context::extract(context::chosen(), carrier) }
}
