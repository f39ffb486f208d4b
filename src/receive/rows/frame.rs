//! A message out of a frame: checksum, compression, packing.

use std::io::Read;

use super::payload::Layout;
use super::unpack::unpack;
use super::words::Words;
use super::{Limits, Refusal};
use crate::receive::zstd;
use crate::schema::ingest_capnp::frame::{self, Compression, Format};

/// How much the output grows by at first: what is announced is believed only as far as data follows.
const STEP: usize = 64 * 1024;

/// The message in `frame`, in the standard stream framing, and what its root is.
pub(super) fn message(
    frame: frame::Reader<'_>,
    limits: &Limits,
) -> Result<(Words, Layout), Refusal> {
    let format = match frame.get_format() {
        Ok(Format::RowsStandard) => Format::RowsStandard,
        Ok(Format::RowsPacked) => Format::RowsPacked,
        Ok(Format::Columns) => Format::Columns,
        Ok(Format::Unset) => return malformed("the frame names no format"),
        Ok(other) => return unreadable("format", other.into()),
        Err(other) => return unreadable("format", other.0),
    };
    let compression = match frame.get_compression() {
        Ok(Compression::Lz4) => return unreadable("compression", Compression::Lz4.into()),
        Ok(known) => known,
        Err(other) => return unreadable("compression", other.0),
    };
    let data = frame.get_data()?;
    let announced = frame.get_uncompressed_bytes() as usize;
    if announced > limits.uncompressed_bytes || data.len() > limits.uncompressed_bytes {
        return Err(Refusal::TooLarge(format!(
            "the frame holds {} bytes, {} at most are taken: send smaller batches",
            announced.max(data.len()),
            limits.uncompressed_bytes
        )));
    }
    // What is taken as it is is copied while it is summed.
    let is_plain = compression == Compression::None && format != Format::RowsPacked;
    let (checksum, copied) =
        if is_plain { Words::summed(data) } else { (crc32c::crc32c(data), None) };
    if checksum != frame.get_crc32c() {
        return malformed(&format!(
            "crc32c of the frame's {} bytes is {checksum:#010x}, and {:#010x} is announced",
            data.len(),
            frame.get_crc32c()
        ));
    }
    let layout = if let Format::Columns = format { Layout::Columns } else { Layout::Rows };
    if let (Compression::Zstd, Format::RowsStandard | Format::Columns) = (compression, format) {
        // Straight to where it will stand. What is no frame, or not what was announced, is told below.
        let words = Words::zeroed(announced).and_then(|mut words| {
            let length = zstd::decompress_into(data, words.as_bytes_mut());
            (length == Some(announced)).then_some(words)
        });
        if let Some(words) = words {
            return Ok((words, layout));
        }
    }
    let inflated;
    let plain = match compression {
        Compression::Gzip => {
            inflated = inflate(flate2::bufread::GzDecoder::new(data), "gzip", announced)?;
            &inflated
        }
        Compression::Zstd => {
            inflated = zstd::decompress(data, announced)?;
            &inflated
        }
        Compression::None | Compression::Lz4 => data,
    };
    if plain.len() != announced {
        return malformed(&format!(
            "the frame holds {} bytes, and uncompressedBytes announces {announced}",
            plain.len()
        ));
    }
    if let Format::RowsPacked = format {
        return Ok((unpack(plain, limits.uncompressed_bytes)?, layout));
    }
    let words = if is_plain { copied } else { Words::copied(plain) };
    match words {
        Some(words) => Ok((words, layout)),
        None => malformed(&format!("a message of {} bytes: not whole words", plain.len())),
    }
}

/// All that `decoder` gives, which is at most `length` bytes or refused.
pub(crate) fn inflate(decoder: impl Read, name: &str, length: usize) -> Result<Vec<u8>, Refusal> {
    let mut plain = Vec::with_capacity(length.min(STEP));
    // One more than announced shows that there is more.
    match decoder.take(length as u64 + 1).read_to_end(&mut plain) {
        Ok(read) if read > length => {
            malformed(&format!("the {name} frame holds more than the {length} bytes announced"))
        }
        Ok(_) => Ok(plain),
        Err(error) => malformed(&format!("the frame cannot be decompressed as {name}: {error}")),
    }
}

fn malformed<T>(sentence: &str) -> Result<T, Refusal> {
    Err(Refusal::Malformed(sentence.to_owned()))
}

fn unreadable<T>(what: &str, number: u16) -> Result<T, Refusal> {
    Err(Refusal::Unsupported(format!(
        "frames of {what} {number} cannot be read here: send what this receiver's hello lists"
    )))
}
