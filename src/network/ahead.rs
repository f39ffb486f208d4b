//! Reads ahead, where it is to be with memory only while something is under way.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Bodies are read past it.
const AHEAD: usize = 512;

/// The first two numbers of a frame; more is read once they are there.
const FIRST: usize = 8;

/// A reader that an idle connection need not pay for.
pub(super) struct Ahead<R> {
    reader: R,
    buffer: Vec<u8>,
    /// Bytes of the buffer that were taken.
    taken: usize,
    /// The buffer stays, and what comes is read right into it.
    keeps_ready: bool,
}

impl<R: AsyncRead + Unpin> Ahead<R> {
    pub(super) fn new(reader: R, keeps_ready: bool) -> Self {
        Self { reader, buffer: Vec::new(), taken: 0, keeps_ready }
    }

    /// Waits for something to read; false at the end.
    pub(super) async fn begin(&mut self) -> io::Result<bool> {
        if self.taken < self.buffer.len() {
            return Ok(true);
        }
        self.taken = 0;
        if self.keeps_ready {
            self.buffer.clear();
            return Ok(self.read_some().await? > 0);
        }
        self.buffer = Vec::new();
        let mut first = [0; FIRST];
        let length = self.reader.read(&mut first).await?;
        if let Some(read @ [_, ..]) = first.get(..length) {
            self.buffer.reserve_exact(AHEAD);
            self.buffer.extend_from_slice(read);
        }
        Ok(length > 0)
    }

    /// Reads so many bytes.
    pub(super) async fn fill(&mut self, mut into: &mut [u8]) -> io::Result<()> {
        while !into.is_empty() {
            let there = self.buffer.get(self.taken..).unwrap_or_default();
            let length = there.len().min(into.len());
            let (head, rest) = into.split_at_mut(length);
            head.copy_from_slice(there.get(..length).unwrap_or_default());
            self.taken += length;
            into = rest;
            if into.is_empty() {
                break;
            }
            self.buffer.clear();
            self.taken = 0;
            if into.len() >= AHEAD {
                self.reader.read_exact(into).await?;
                break;
            }
            if self.read_some().await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    /// Into the buffer, which is empty.
    async fn read_some(&mut self) -> io::Result<usize> {
        self.buffer.reserve_exact(AHEAD);
        (&mut self.reader).take(AHEAD as u64).read_buf(&mut self.buffer).await
    }
}
