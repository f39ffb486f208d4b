//! What others wrote, made safe and short enough for a terminal.

use std::fmt::{self, Write as _};

use crate::encode::view::Any;

/// Longer names and values are cut after so many characters.
const MAX_CHARS: usize = 120;

/// What is not known.
pub(super) const UNKNOWN: &str = "–";

/// A name or a message.
pub(super) fn clip(text: &str) -> String {
    Clip::show(|clip| clip.write_str(text))
}

/// An attribute, as `key=value`.
pub(super) fn key_value(key: &str, value: Any<'_>) -> String {
    let mut text = clip(key);
    text.push('=');
    text.push_str(&Clip::show(|clip| show_value(clip, value)));
    text
}

/// A value that stands for itself: text is shown as it is.
pub(super) fn value(value: Any<'_>) -> String {
    match value {
        Any::Str(text) => clip(text),
        value => Clip::show(|clip| show_value(clip, value)),
    }
}

fn show_value(clip: &mut Clip, value: Any<'_>) -> fmt::Result {
    match value {
        Any::Empty => clip.write_str(UNKNOWN),
        Any::Bool(value) => write!(clip, "{value}"),
        Any::I64(value) => write!(clip, "{value}"),
        Any::F64(value) => write!(clip, "{value:?}"),
        Any::Str(text) if needs_quotes(text) => {
            clip.write_char('"')?;
            for piece in text.split_inclusive('"') {
                let (piece, quote) = match piece.strip_suffix('"') {
                    Some(piece) => (piece, "\\\""),
                    None => (piece, ""),
                };
                clip.write_str(piece)?;
                clip.write_str(quote)?;
            }
            clip.write_char('"')
        }
        Any::Str(text) => clip.write_str(text),
        Any::Bytes(bytes) => {
            clip.write_str("0x")?;
            bytes.iter().try_for_each(|byte| write!(clip, "{byte:02x}"))
        }
        Any::Array(values) => {
            clip.write_char('[')?;
            let mut result = Ok(());
            let mut separator = "";
            values.items(&mut |value| {
                // Once it is full, or has failed, the rest is passed over.
                if result.is_ok() {
                    result = clip.write_str(std::mem::replace(&mut separator, ", "));
                    result = result.and_then(|()| show_value(clip, value));
                }
            });
            result?;
            clip.write_char(']')
        }
        Any::Map(entries) => {
            clip.write_char('{')?;
            let mut result = Ok(());
            let mut separator = "";
            entries.entries(&mut |key, value| {
                if result.is_ok() {
                    result = clip.write_str(std::mem::replace(&mut separator, ", "));
                    result = result.and_then(|()| show_value(clip, Any::Str(key)));
                    result = result.and_then(|()| clip.write_char('='));
                    result = result.and_then(|()| show_value(clip, value));
                }
            });
            result?;
            clip.write_char('}')
        }
    }
}

/// Without quotes it would not be clear where such a text ends.
fn needs_quotes(text: &str) -> bool {
    let unclear = |c: char| c.is_whitespace() || matches!(c, '"' | '=' | ',' | '[' | ']');
    text.is_empty() || text.chars().take(MAX_CHARS).any(unclear)
}

/// Takes characters until it is full. Then its error ends whoever is writing, however long or deep
/// the value is.
struct Clip {
    shown: String,
    left: usize,
}

impl Clip {
    fn show(write: impl FnOnce(&mut Self) -> fmt::Result) -> String {
        let mut clip = Self { shown: String::new(), left: MAX_CHARS };
        if write(&mut clip).is_err() {
            clip.shown.push('…');
        }
        clip.shown
    }
}

impl fmt::Write for Clip {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            self.left = self.left.checked_sub(1).ok_or(fmt::Error)?;
            if is_unsafe_to_show(c) {
                self.shown.extend(c.escape_default());
            } else {
                self.shown.push(c);
            }
        }
        Ok(())
    }
}

/// Control characters drive the terminal; invisible and direction marks make it lie.
fn is_unsafe_to_show(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}
