//! Request compression.

use bytes::{Bytes, BytesMut};
use flate2::{Compress, Compression, FlushCompress, Status};

/// Smaller bodies are sent as they are.
pub(super) const THRESHOLD: usize = 1024;

/// How much the output grows by at least when it is full.
const STEP: usize = 16 * 1024;

/// The largest window, as gzip uses it.
const WINDOW_BITS: u8 = 15;

/// A compressor and its output, reused from body to body.
pub(super) struct Gzip {
    compressor: Compress,
    output: BytesMut,
}

impl Gzip {
    pub(super) fn new() -> Self {
        let compressor = Compress::new_gzip(Compression::fast(), WINDOW_BITS);
        Self { compressor, output: BytesMut::new() }
    }

    /// `None` where `body` is below the threshold or the compressor fails: send it plain.
    ///
    /// The memory of the result is used again once the result is dropped.
    pub(super) fn compress(&mut self, body: &[u8]) -> Option<Bytes> {
        if body.len() < THRESHOLD {
            return None;
        }
        self.compressor.reset();
        self.output.clear();
        loop {
            let read = self.compressor.total_in() as usize;
            let written = self.compressor.total_out() as usize;
            if written == self.output.len() {
                self.output.resize(written + STEP.max(body.len() / 4), 0);
            }
            let (rest, room) = (&body[read..], &mut self.output[written..]);
            match self.compressor.compress(rest, room, FlushCompress::Finish) {
                Ok(Status::StreamEnd) => break,
                Ok(Status::Ok | Status::BufError) => {}
                Err(_) => return None,
            }
        }
        self.output.truncate(self.compressor.total_out() as usize);
        Some(self.output.split().freeze())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn inflated(compressed: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(compressed).read_to_end(&mut plain).unwrap();
        plain
    }

    #[test]
    fn each_body_is_a_stream_of_its_own() {
        let mut gzip = Gzip::new();
        let noise = noise(200_000);
        for body in [&noise[..], &[7; 5_000], &noise[..THRESHOLD]] {
            assert_eq!(inflated(&gzip.compress(body).unwrap()), body);
        }
        assert_eq!(gzip.compress(&[7; THRESHOLD - 1]), None);
    }

    fn noise(length: u32) -> Vec<u8> {
        // A multiplicative generator: bytes that do not compress, so that the output must grow.
        (0..length).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
    }

    #[test]
    fn the_output_buffer_is_reused() {
        let mut gzip = Gzip::new();
        let large = gzip.compress(&noise(400_000)).unwrap();
        let home = large.as_ptr() as usize..large.as_ptr() as usize + 2 * 400_000;
        drop(large);
        let body = [7; 8 * 1024];
        gzip.compress(&body).unwrap();
        assert!(gzip.output.capacity() > STEP, "room for a small body was made anew");
        for round in 0..200 {
            let next = gzip.compress(&body).unwrap();
            assert!(home.contains(&(next.as_ptr() as usize)), "moved in round {round}");
        }
        let held = gzip.compress(&body).unwrap();
        let other = gzip.compress(&body).unwrap();
        assert_eq!(inflated(&held), inflated(&other), "a body in flight is left alone");
    }
}
