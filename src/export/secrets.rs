//! What a peer might repeat and no error may show.

use http::{HeaderMap, HeaderValue};

/// Shorter words of headers are not masked: they are tenants, schemes and flags.
const SHORTEST: usize = 8;

/// The same value, known to be the host's.
pub(super) fn mark_secret(value: &HeaderValue) -> HeaderValue {
    let mut value = value.clone();
    value.set_sensitive(true);
    value
}

/// The words of the host's headers, but for those too short to be a secret.
pub(super) fn secrets(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let values = headers.values().filter(|value| value.is_sensitive());
    let words = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b' '));
    words.filter(|word| word.len() >= SHORTEST)
}

/// Overwrites `secret` wherever `text` repeats it; nothing else moves.
pub(super) fn mask(text: &mut [u8], secret: &[u8]) {
    let mut start = 0;
    while let Some(window) = text.get_mut(start..start + secret.len()) {
        if window == secret {
            window.fill(b'*');
        }
        start += 1;
    }
}
