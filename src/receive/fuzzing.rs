//! A receiver without sockets, for fuzzers.

use std::net::Ipv4Addr;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use capnp::message::Builder;
use capnp::traits::HasTypeId as _;
use capnp_rpc::rpc_capnp::message;
use tokio::task::LocalSet;

use super::Receiver;
use super::Sink;
use super::gateway::{Gateway, Peer};
use super::link::Link;
use super::shared::Shared;
use crate::health::diagnostics::Diagnostics;
use crate::network::{self, Limits};
use crate::schema::ingest_capnp::gateway;

fn shared() -> Arc<Shared> {
    static SHARED: OnceLock<Arc<Shared>> = OnceLock::new();
    let make = || {
        // Nobody writes to it: once its queue is full, batches are sent back.
        let builder = Receiver::builder().sink(Sink::files("/nonexistent")).threads(1);
        let settings = builder.memory_limit(32 << 20).settings().expect("good settings");
        Arc::new(Shared::new(settings, Arc::new(Diagnostics::new(None, None))))
    };
    Arc::clone(SHARED.get_or_init(make))
}

/// Serves a connection on which these bytes come, to its end.
pub(crate) fn serve(bytes: &[u8], is_known: bool) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        // Waits cost nothing: all that is left then is to wait.
        .start_paused(true)
        .build()
        .expect("a runtime");
    let bytes = bytes.to_vec();
    LocalSet::new().block_on(&runtime, async {
        let (shared, link) = (shared(), Rc::new(Link::default()));
        let peer = Peer::Tcp(Ipv4Addr::LOCALHOST.into());
        let gateway = Gateway::new(Arc::clone(&shared), peer, Rc::clone(&link));
        let gateway: gateway::Client = capnp_rpc::new_client(gateway);
        let halves = (std::io::Cursor::new(bytes), tokio::io::sink());
        let (system, handle) =
            network::serve(halves, &Limits::server(), &shared.budget, gateway.client);
        link.joined(handle.clone());
        if is_known {
            handle.raise(1 << 20);
        }
        let _ = system.await;
    });
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
