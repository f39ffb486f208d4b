//! The serving side: connections, each of them a session.

use std::error::Error;
use std::io::{self, Write as _};
use std::rc::Rc;
use std::time::Duration;

use capnp_rpc::{new_client, rpc_twoparty_capnp::Side};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{spawn_blocking, spawn_local};
use tokio::time::sleep;
use trackside::telemetry::rpc;

use super::engine::Engine;
use super::engine_capnp::engine;
use super::objects::Objects;
use super::wire;

/// Serves until Enter is pressed, or standard input ends.
pub(crate) async fn run(address: &str) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(address).await?;
    writeln!(io::stdout(), "serving {}", listener.local_addr()?)?;
    let accepting = spawn_local(accept(listener, Rc::new(Objects::default())));
    let enter = spawn_blocking(|| io::stdin().read_line(&mut String::new()));
    enter.await??;
    accepting.abort();
    Ok(())
}

async fn accept(listener: TcpListener, objects: Rc<Objects>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(spawn_local(session(stream, Rc::clone(&objects)))),
            Err(error) => {
                log::warn!(target: "host", "a connection could not be accepted: {error}");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn session(stream: TcpStream, objects: Rc<Objects>) {
    // `active_sessions`: up now, down when this future ends or is dropped.
    let _session = rpc::session();
    let engine: engine::Client = new_client(Engine { objects });
    if let Err(error) = wire::system(stream, Side::Server, Some(engine.client)).await {
        log::info!(target: "host", "a session ended: {error}");
    }
}
