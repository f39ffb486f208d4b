//! A receiver without sockets, for fuzzers.

use std::io;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use capnp::message::Builder;
use capnp::traits::HasTypeId as _;
use capnp_rpc::rpc_capnp::message;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::LocalSet;
use tokio::time::Instant;

use super::Receiver;
use super::connection;
use super::gateway::Peer;
use super::greeting::Known;
use super::settings::Settings;
use super::shared::Shared;
use super::stream::Stream;
use crate::health::diagnostics::Diagnostics;
use crate::schema::ingest_capnp::gateway;

/// What a batch may have here, decompressed and as OTLP: inputs are small, and what they become is to show.
pub(crate) const UNCOMPRESSED: usize = 1 << 20;

/// The token of receivers that want one.
const TOKEN: &[u8] = b"secret";

fn settings(wants_token: bool) -> Settings {
    // Nobody listens there, and nobody sends: batches are made ready for it and stay in its queue.
    let mut builder = Receiver::builder().forward("http://127.0.0.1:9").threads(1);
    if wants_token {
        builder = builder.token(TOKEN);
    }
    let mut settings = builder.memory_limit(32 << 20).settings().expect("good settings");
    settings.limits.uncompressed_bytes = UNCOMPRESSED;
    settings
}

/// A receiver of its own serves a connection on which these bytes come, to its end: nothing is left of it.
pub(crate) fn serve(bytes: Vec<u8>, wants_token: bool) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        // Waits cost nothing: all that is left then is to wait.
        .start_paused(true)
        .build()
        .expect("a runtime");
    LocalSet::new().block_on(&runtime, async {
        let settings = settings(wants_token);
        let login_by = Instant::now() + settings.limits.login;
        let shared = Arc::new(Shared::new(settings, Arc::new(Diagnostics::new(None, None))));
        let stream = Stream::Tls(Box::new(Pipe(io::Cursor::new(bytes))));
        let known = Known { stream, certificate: None };
        connection::rpc(&shared, known, Peer::Tcp(Ipv4Addr::LOCALHOST.into()), login_by).await;
    });
}

/// Gives its bytes, and takes any.
struct Pipe(io::Cursor<Vec<u8>>);

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncBufRead for Pipe {
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        Pin::new(&mut self.get_mut().0).poll_fill_buf(context)
    }

    fn consume(mut self: Pin<&mut Self>, amount: usize) {
        Pin::new(&mut self.0).consume(amount);
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The frames of a log-in.
pub(crate) fn login() -> Vec<u8> {
    let mut first = Builder::new_default();
    first.init_root::<message::Builder<'_>>().init_bootstrap().set_question_id(0);
    let mut second = Builder::new_default();
    let mut call = second.init_root::<message::Builder<'_>>().init_call();
    call.set_question_id(1);
    call.set_interface_id(gateway::Client::TYPE_ID);
    call.reborrow().init_target().init_promised_answer().set_question_id(0);
    let params = call.init_params().init_content();
    params.init_as::<gateway::open_params::Builder<'_>>().init_credential().set_anonymous(());
    [first, second].iter().flat_map(capnp::serialize::write_message_to_words).collect()
}
