//! Frames in: checked before they are paid for, paid for before they are stored.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use capnp::Word;
use capnp::message::{Reader, ReaderOptions, ReaderSegments};
use capnp_rpc::rpc_capnp::{message, return_};
use tokio::io::AsyncRead;
use tokio::time::{Instant, timeout};

use super::ahead::Ahead;
use super::budget::{Budget, Permit};
use super::closed::{Cause, Closed};
use super::limits::SMALL_FRAME;
use super::shared::Shared;

/// The first memory for a body. It doubles as data comes: an announced size alone costs no more.
const FIRST_BYTES: usize = 64 * 1024;

/// What is set aside for a peer that has said who it is. It is touched as data comes, so it costs no more; but
/// to move what there is as it doubles takes as long as to read it.
const ASIDE: usize = 512 * 1024;

const WORD: usize = 8;

/// Words that may be visited, for each word of a message: objects may be shared, but not without end.
const VISITS: usize = 8;

/// A message that holds its bytes of the budget for as long as it lives.
pub(super) struct Incoming {
    message: Reader<Segments>,
    _permit: Permit,
}

impl Incoming {
    /// What it says, if it is an answer.
    pub(super) fn returned(&self) -> capnp::Result<Option<return_::Reader<'_>>> {
        match self.message.get_root::<message::Reader<'_>>()?.which() {
            Ok(message::Return(answer)) => answer.map(Some),
            _ => Ok(None),
        }
    }
}

impl capnp_rpc::IncomingMessage for Incoming {
    fn get_body(&self) -> capnp::Result<capnp::any_pointer::Reader<'_>> {
        self.message.get_root()
    }
}

pub(super) struct Segments {
    words: Vec<Word>,
    /// Where each segment ends, in words.
    ends: Vec<usize>,
}

impl ReaderSegments for Segments {
    fn get_segment(&self, index: u32) -> Option<&[u8]> {
        let index = index as usize;
        let end = *self.ends.get(index)?;
        let start = if index == 0 { 0 } else { *self.ends.get(index - 1)? };
        self.words.get(start..end).map(Word::words_to_bytes)
    }

    fn len(&self) -> usize {
        self.ends.len()
    }
}

/// The reading half of a connection.
pub(super) struct Frames<R> {
    reader: Ahead<R>,
    budget: Budget,
    /// Only while something is read: idle connections are many.
    allowance: Option<Budget>,
    shared: Rc<Shared>,
}

impl<R: AsyncRead + Unpin> Frames<R> {
    pub(super) fn new(reader: R, budget: Budget, shared: Rc<Shared>) -> Self {
        let reader = Ahead::new(reader, shared.limits.keeps_ready);
        Self { reader, budget, allowance: None, shared }
    }

    /// The next message for the RPC system, or `None` where the peer closed between two.
    pub(super) async fn next(&mut self) -> Result<Option<Incoming>, Closed> {
        let shared = Rc::clone(&self.shared);
        let mut read = pin!(self.read());
        poll_fn(|context| match shared.poll_closed(context) {
            Poll::Ready(why) => Poll::Ready(Err(why)),
            Poll::Pending => read.as_mut().poll(context),
        })
        .await
    }

    async fn read(&mut self) -> Result<Option<Incoming>, Closed> {
        loop {
            self.until_peer_reads().await?;
            if !self.shared.limits.keeps_ready {
                self.allowance.take_if(|allowance| allowance.held() == 0);
            }
            if !self.reader.begin().await.map_err(|error| broken(&error))? {
                return Ok(None);
            }
            // Only while a frame is under way: idle connections are many.
            if let message @ Some(_) = Box::pin(self.frame()).await? {
                return Ok(message);
            }
        }
    }

    /// A message, unless it answers a call past the RPC system.
    async fn frame(&mut self) -> Result<Option<Incoming>, Closed> {
        let limit = self.shared.limits.header;
        let (ends, header) = in_time(|| limit, self.header()).await?;
        let words = ends.last().copied().unwrap_or_default();
        let bytes = words * WORD;
        let permit = self.pay(header + bytes).await?;
        let words = self.body(words).await?;
        self.shared.count(|traffic| {
            traffic.bytes_in += (header + bytes) as u64;
            traffic.messages_in += 1;
            traffic.largest_in = traffic.largest_in.max(header + bytes);
        });
        let visits = (words.len() + SMALL_FRAME / WORD).saturating_mul(VISITS);
        let mut options = ReaderOptions::new();
        options.traversal_limit_in_words(Some(visits));
        let message = Reader::new(Segments { words, ends }, options);
        let body = message.get_root();
        let came = |body| self.shared.questions.came(body, self.shared.most_questions());
        let answered = body.map_or(Ok(None), came)?;
        let message = Incoming { message, _permit: permit };
        Ok(match answered.zip(self.shared.asked()) {
            Some((question, direct)) => direct.came(question, message),
            None => Some(message),
        })
    }

    /// Answers to what is read would only make a full queue fuller.
    async fn until_peer_reads(&self) -> Result<(), Closed> {
        if !self.shared.is_full() {
            return Ok(());
        }
        let limit = self.shared.limits.stall;
        let drained = poll_fn(|context| self.shared.poll_drained(context));
        Box::pin(timeout(limit, drained)).await.map_err(|_| {
            Closed::new(Cause::Stalled, format!("the peer did not read its answers for {limit:?}"))
        })
    }

    /// The ends of the segments in words, and the bytes of the table.
    async fn header(&mut self) -> Result<(Vec<usize>, usize), Closed> {
        // No more than this at first: an alert of TLS has seven bytes in all.
        let mut first = [0; WORD / 2];
        self.fill(&mut first).await?;
        let announced = u32::from_le_bytes(first);
        let most = self.shared.segments.get();
        if announced as usize >= most {
            return Err(self.no_frame(first, most));
        }
        let count = announced as usize + 1;
        let mut ends = Vec::with_capacity(count);
        self.fill(&mut first).await?;
        self.segment(&mut ends, u32::from_le_bytes(first))?;
        // Two numbers a word; the last one may be padding.
        for _ in 0..count / 2 {
            let mut pair = [0; WORD];
            self.fill(&mut pair).await?;
            let [a, b, c, d, rest @ ..] = pair;
            self.segment(&mut ends, u32::from_le_bytes([a, b, c, d]))?;
            if ends.len() < count {
                self.segment(&mut ends, u32::from_le_bytes(rest))?;
            }
        }
        Ok((ends, WORD * (1 + count / 2)))
    }

    fn segment(&self, ends: &mut Vec<usize>, words: u32) -> Result<(), Closed> {
        let cap = self.shared.frame.get();
        let end = ends.last().copied().unwrap_or_default().checked_add(words as usize);
        match end {
            Some(end) if end <= cap / WORD => {
                ends.push(end);
                Ok(())
            }
            _ => {
                let detail = format!("a frame of more than the {cap} bytes that it may have");
                Err(Closed::new(Cause::TooLarge, detail))
            }
        }
    }

    /// Permits for a frame. It waits where the memory is out: the peer then cannot send either.
    async fn pay(&mut self, bytes: usize) -> Result<Permit, Closed> {
        let permit = if bytes <= SMALL_FRAME {
            // Less would never let a small frame in.
            let most = self.shared.limits.allowance.max(SMALL_FRAME);
            self.allowance.get_or_insert_with(|| Budget::own(most)).take(bytes).await
        } else if self.shared.is_known.get() {
            self.budget.take(bytes).await
        } else {
            self.budget.take_as_stranger(bytes).await
        };
        permit.ok_or_else(|| {
            let total = self.budget.total();
            let detail = format!("a frame of {bytes} bytes where all connections may hold {total}");
            Closed::new(Cause::TooLarge, detail)
        })
    }

    async fn body(&mut self, total: usize) -> Result<Vec<Word>, Closed> {
        let zero = capnp::word(0, 0, 0, 0, 0, 0, 0, 0);
        let begun = Instant::now();
        let aside = if self.shared.is_known.get() { ASIDE / WORD } else { 0 };
        let mut words = Vec::with_capacity(total.min(aside));
        while words.len() < total {
            let start = words.len();
            let first = FIRST_BYTES / WORD;
            let end = match start + first <= words.capacity() {
                true => start + first,
                false => (start * 2).max(first),
            };
            let end = total.min(end);
            words.reserve_exact(end - start);
            words.resize(end, zero);
            let new = words.get_mut(start..).unwrap_or_default();
            let mut done = start * WORD;
            // Each piece in its time: whoever stops sending does not keep what the whole was paid with.
            for piece in Word::words_to_bytes_mut(new).chunks_mut(FIRST_BYTES) {
                done += piece.len();
                let allowed = self.shared.limits.body_of(done);
                in_time(|| allowed.saturating_sub(begun.elapsed()), self.fill(piece)).await?;
            }
        }
        Ok(words)
    }

    async fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Closed> {
        match self.reader.fill(buffer).await {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                let detail = if self.is_first() {
                    "the peer closed the connection before it had sent one whole message"
                } else {
                    "the connection ended within a message"
                };
                Err(Closed::new(Cause::Broken, detail))
            }
            Err(error) => Err(broken(&error)),
        }
    }

    fn is_first(&self) -> bool {
        self.shared.traffic.get().messages_in == 0
    }

    /// What a peer that speaks something else is called.
    fn no_frame(&self, first: [u8; WORD / 2], most: usize) -> Closed {
        const HTTP: [&[u8; 4]; 8] =
            [b"HTTP", b"GET ", b"POST", b"PUT ", b"HEAD", b"OPTI", b"DELE", b"PRI "];
        if self.is_first() && HTTP.contains(&&first) {
            return Closed::new(Cause::Http, "the peer speaks HTTP, not Cap'n Proto");
        }
        // The records of TLS: an alert or a handshake, of version 3.
        if self.is_first() && matches!(first, [0x15 | 0x16, 3, ..]) {
            return Closed::new(Cause::Tls, "the peer speaks TLS, and here is none");
        }
        let detail =
            format!("what came is not Cap'n Proto, or a frame of more than {most} segments");
        Closed::new(Cause::Malformed, detail)
    }
}

async fn in_time<T>(
    limit: impl FnOnce() -> Duration,
    read: impl Future<Output = Result<T, Closed>>,
) -> Result<T, Closed> {
    let mut read = pin!(read);
    // Most of what is read is there already, and needs no timer.
    if let Poll::Ready(read) = poll_fn(|context| Poll::Ready(read.as_mut().poll(context))).await {
        return read;
    }
    let limit = limit();
    let too_slow = |_| {
        let detail =
            format!("the peer began a message and did not send the rest in time ({limit:?})");
        Closed::new(Cause::Slow, detail)
    };
    timeout(limit, read).await.map_err(too_slow)?
}

fn broken(error: &io::Error) -> Closed {
    Closed::new(Cause::Broken, format!("the connection broke: {error}"))
}
