//! Frames out: a queue with a bound, and the one future that writes it.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use capnp::any_pointer;
use capnp::capability::Promise;
use capnp::message::{Builder, HeapAllocator};
use capnp_rpc::rpc_capnp::{message, message_target};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::closed::{Cause, Closed};
use super::direct::Object;
use super::enclosed::Enclosed;
use super::shared::{Built, Queued, Shared};

/// Segments up to this size are copied together, larger ones are written from where they are.
const COPIED: usize = 16 * 1024;

/// As much is copied together before it is written.
const TOGETHER: usize = 64 * 1024;

/// First segments, in words: the hint is 1,024 for every call, however small.
const FIRST_SEGMENT: (u32, u32) = (16, 128);

/// What came before the connection broke is read within that time.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// A message under construction.
pub(super) struct Outgoing {
    message: Builder<HeapAllocator>,
    enclosed: Option<Enclosed>,
    shared: Rc<Shared>,
}

impl Outgoing {
    pub(super) fn new(hint: u32, shared: Rc<Shared>) -> Self {
        let words = hint.clamp(FIRST_SEGMENT.0, FIRST_SEGMENT.1);
        let message = Builder::new(HeapAllocator::new().first_segment_words(words));
        Self { message, enclosed: None, shared }
    }

    /// Puts `bytes` in the place of the mark. Nothing more is added to the message then.
    pub(super) fn enclose(&mut self, bytes: Bytes) -> capnp::Result<()> {
        self.enclosed = Enclosed::new(&self.message.get_segments_for_output(), bytes);
        let none = || capnp::Error::failed("a message without a place for its bytes".to_owned());
        self.enclosed.is_some().then_some(()).ok_or_else(none)
    }

    /// Queues it.
    pub(super) fn leave(self) -> Built {
        let Self { message, enclosed, shared } = self;
        let message = Rc::new(message);
        let queued = Queued { message: Rc::clone(&message), enclosed };
        let bytes = size(&queued);
        shared.push(queued, bytes);
        message
    }
}

impl capnp_rpc::OutgoingMessage for Outgoing {
    fn get_body(&mut self) -> capnp::Result<capnp::any_pointer::Builder<'_>> {
        self.message.get_root()
    }

    fn get_body_as_reader(&self) -> capnp::Result<capnp::any_pointer::Reader<'_>> {
        self.message.get_root_as_reader()
    }

    /// Resolves at once: whoever waits for bytes on the wire asks for an answer.
    fn send(self: Box<Self>) -> (Promise<(), capnp::Error>, Built) {
        if let Ok(body) = self.message.get_root_as_reader() {
            self.shared.questions.goes(body);
            self.shared.called.set(object(body));
        }
        (Promise::ok(()), self.leave())
    }

    fn take(self: Box<Self>) -> Builder<HeapAllocator> {
        self.message
    }

    fn size_in_words(&self) -> usize {
        self.message.size_in_words()
    }
}

/// Which of the peer's objects a message calls.
fn object(body: any_pointer::Reader<'_>) -> Option<Object> {
    let Ok(message::Call(call)) = body.get_as::<message::Reader<'_>>().ok()?.which() else {
        return None;
    };
    match call.ok()?.get_target().ok()?.which() {
        Ok(message_target::ImportedCap(object)) => Some(object),
        _ => None,
    }
}

/// Writes what is queued until the connection ends, then closes the writer.
/// Never fails: the RPC system would print the error.
pub(super) async fn write<W: AsyncWrite + Unpin>(
    mut writer: W,
    shared: Rc<Shared>,
) -> capnp::Result<()> {
    let _over = Over(Rc::clone(&shared));
    let result = write_all(&mut writer, &shared).await;
    if let Err(why) = result {
        if why.cause == Cause::Broken {
            // What the peer said last may still be there to be read, and says more than that it is gone.
            let said = shared.until(|shared| shared.closed().map(drop));
            let _ = Box::pin(timeout(LAST_WORDS, said)).await;
        }
        // The reading half sees this and ends the connection; only then may we be gone.
        shared.close(why);
        Box::pin(shared.until(|shared| shared.is_closing().then_some(()))).await;
    }
    Ok(())
}

/// However the writing ends: whoever waits for it goes on.
struct Over(Rc<Shared>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.end();
    }
}

async fn write_all<W: AsyncWrite + Unpin>(writer: &mut W, shared: &Shared) -> Result<(), Closed> {
    loop {
        if shared.is_closing() {
            let rest = async {
                write_queued(writer, shared).await?;
                // FIN: the peer reads all that came before it.
                writer.shutdown().await.map_err(|error| broken(&error))
            };
            let limit = shared.limits.write;
            return Box::pin(timeout(limit, rest)).await.unwrap_or_else(|_| Err(stalled(shared)));
        }
        // Gone before the next message is waited for: idle connections are many.
        Box::pin(write_queued(writer, shared)).await?;
        poll_fn(|context| shared.poll_queued(context)).await;
    }
}

async fn write_queued<W: AsyncWrite + Unpin>(
    writer: &mut W,
    shared: &Shared,
) -> Result<(), Closed> {
    let mut bytes = 0;
    let together = &mut Vec::new();
    while let Some(queued) = shared.pop() {
        bytes += size(&queued);
        let segments = queued.message.get_segments_for_output();
        table(together, &segments, queued.enclosed.as_ref());
        match (&queued.enclosed, &*segments) {
            (Some(enclosed), [segment]) => {
                enclosed.write(segment, together);
                add(writer, shared, together, &enclosed.bytes).await?;
                together.extend_from_slice(enclosed.padding());
            }
            _ => {
                for segment in segments.iter().copied() {
                    add(writer, shared, together, segment).await?;
                }
            }
        }
        shared.count(|traffic| traffic.messages_out += 1);
        if together.len() >= TOGETHER || together.is_empty() {
            put(writer, shared, together, &[]).await?;
            shared.wrote(std::mem::take(&mut bytes));
        }
    }
    put(writer, shared, together, &[]).await?;
    writer.flush().await.map_err(|error| broken(&error))?;
    shared.wrote(bytes);
    Ok(())
}

/// A segment, or what of it is elsewhere.
async fn add<W: AsyncWrite + Unpin>(
    writer: &mut W,
    shared: &Shared,
    together: &mut Vec<u8>,
    segment: &[u8],
) -> Result<(), Closed> {
    if segment.len() <= COPIED {
        together.extend_from_slice(segment);
        Ok(())
    } else {
        put(writer, shared, together, segment).await
    }
}

/// The number of segments less one, their sizes in words, padded to a word.
fn table(to: &mut Vec<u8>, segments: &[&[u8]], enclosed: Option<&Enclosed>) {
    let lengths = segments.iter().map(|segment| segment.len()).chain(enclosed.map(Enclosed::len));
    let count = segments.len() + usize::from(enclosed.is_some());
    // Most often for all that is copied.
    to.reserve(FIRST_SEGMENT.1 as usize * 8);
    to.extend_from_slice(&(count as u32).saturating_sub(1).to_le_bytes());
    for length in lengths {
        to.extend_from_slice(&((length / 8) as u32).to_le_bytes());
    }
    if count % 2 == 0 {
        to.extend_from_slice(&[0; 4]);
    }
}

fn size(queued: &Queued) -> usize {
    let segments = queued.message.get_segments_for_output();
    let enclosed = queued.enclosed.as_ref();
    let count = segments.len() + usize::from(enclosed.is_some());
    let lengths = segments.iter().map(|segment| segment.len());
    lengths.chain(enclosed.map(Enclosed::len)).sum::<usize>() + 8 * (1 + count / 2)
}

/// Writes what was copied together and then `segment`, with one call of the system where it can be.
async fn put<W: AsyncWrite + Unpin>(
    writer: &mut W,
    shared: &Shared,
    together: &mut Vec<u8>,
    segment: &[u8],
) -> Result<(), Closed> {
    let mut parts: [&[u8]; 2] = [together, segment];
    while parts.iter().any(|part| !part.is_empty()) {
        let slices = parts.map(IoSlice::new);
        let mut write = |context: &mut Context<'_>| {
            Pin::new(&mut *writer).poll_write_vectored(context, &slices)
        };
        // Most of what is written is taken at once, and needs no timer.
        let written = match poll_fn(|context| Poll::Ready(write(context))).await {
            Poll::Ready(written) => Ok(written),
            Poll::Pending => timeout(shared.limits.write, poll_fn(write)).await,
        };
        let written = match written {
            Ok(Ok(0)) => return Err(broken(&io::ErrorKind::WriteZero.into())),
            Ok(Ok(written)) => written,
            Ok(Err(error)) => return Err(broken(&error)),
            Err(_) => return Err(stalled(shared)),
        };
        shared.count(|traffic| traffic.bytes_out += written as u64);
        let mut left = written;
        for part in &mut parts {
            let taken = left.min(part.len());
            *part = part.get(taken..).unwrap_or_default();
            left -= taken;
        }
    }
    together.clear();
    together.shrink_to(TOGETHER);
    Ok(())
}

fn stalled(shared: &Shared) -> Closed {
    let detail = format!("the peer took nothing for {:?}", shared.limits.write);
    Closed::new(Cause::Stalled, detail)
}

fn broken(error: &io::Error) -> Closed {
    Closed::new(Cause::Broken, format!("the connection broke: {error}"))
}
