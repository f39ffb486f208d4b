//! Answers that came compressed: a server may use for its answer what the request used.

use std::io::Read as _;

use super::super::zstd;

/// What we say that we understand.
pub(super) const ACCEPTED: &str = if zstd::SUPPORTED { "gzip,zstd" } else { "gzip" };

/// `None` where it is broken, in a coding that nobody asked for, or larger than `limit`.
pub(super) fn inflate(coding: &[u8], data: &[u8], limit: usize) -> Option<Vec<u8>> {
    let plain = match coding {
        b"gzip" => {
            let mut plain = Vec::new();
            let decoder = flate2::bufread::GzDecoder::new(data);
            decoder.take(limit as u64 + 1).read_to_end(&mut plain).ok()?;
            plain
        }
        b"zstd" => zstd::decompress(data, limit + 1)?,
        _ => return None,
    };
    (plain.len() <= limit).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::super::super::gzip::Gzip;
    use super::*;

    #[test]
    fn what_was_compressed_comes_back_up_to_the_limit() {
        let plain = b"again and again ".repeat(1000);
        let gzipped = Gzip::new().compress(&plain).unwrap();
        assert_eq!(inflate(b"gzip", &gzipped, plain.len()), Some(plain.clone()));
        assert_eq!(inflate(b"gzip", &gzipped, plain.len() - 1), None);
        assert_eq!(inflate(b"gzip", b"no gzip", 100), None);
        assert_eq!(inflate(b"snappy", &gzipped, plain.len()), None);
        let compressed = zstd::compress(&plain, &[]);
        assert_eq!(compressed.is_some(), zstd::SUPPORTED);
        if let Some(compressed) = compressed {
            assert_eq!(inflate(b"zstd", &compressed, plain.len()), Some(plain.clone()));
            assert_eq!(inflate(b"zstd", &compressed, plain.len() - 1), None);
            assert_eq!(inflate(b"zstd", b"no zstd", 100), None);
        }
    }
}
