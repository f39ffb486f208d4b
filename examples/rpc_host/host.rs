//! The serving side: connections, each of them a session.

use std::error::Error;
use std::rc::Rc;

use capnp_rpc::{new_client, rpc_twoparty_capnp::Side};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_local;
use trackside::telemetry::rpc;

use crate::engine::Engine;
use crate::engine_capnp::engine;
use crate::objects::Objects;
use crate::wire;

/// Serves until told to stop.
pub(crate) async fn serve(
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) -> Result<(), Box<dyn Error>> {
    let objects = Rc::new(Objects::default());
    let accepting = spawn_local(async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => drop(spawn_local(session(stream, Rc::clone(&objects)))),
                Err(error) => log::warn!("a connection could not be accepted: {error}"),
            }
        }
    });
    stop.await;
    accepting.abort();
    Ok(())
}

async fn session(stream: TcpStream, objects: Rc<Objects>) {
    // `active_sessions`: up now, down when this future ends or is dropped.
    let _session = rpc::session();
    let engine: engine::Client = new_client(Engine { objects });
    if let Err(error) = wire::system(stream, Side::Server, Some(engine.client)).await {
        log::info!("a session ended: {error}");
    }
}
