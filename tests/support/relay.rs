//! Passes bytes between a client and a server, until it cuts the wire.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Listens for clients of one server.
pub(crate) struct Relay {
    address: SocketAddr,
    wires: Arc<Mutex<Vec<TcpStream>>>,
}

impl Relay {
    pub(crate) fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let wires: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
        let known = Arc::clone(&wires);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(server) else { continue };
                let pair = [&client, &server].map(|end| end.try_clone().expect("a handle"));
                known.lock().expect("no panic").extend(pair);
                for (mut from, mut to) in [
                    (client.try_clone().expect("a handle"), server.try_clone().expect("a handle")),
                    (server, client),
                ] {
                    thread::spawn(move || {
                        // However it ends, the other side is told.
                        let _ = io::copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Both);
                    });
                }
            }
        });
        Self { address, wires }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts every wire; new ones can be made at once. Says how many it cut.
    pub(crate) fn cut(&self) -> usize {
        let wires = std::mem::take(&mut *self.wires.lock().expect("no panic"));
        for wire in &wires {
            let _ = wire.shutdown(Shutdown::Both);
        }
        wires.len() / 2
    }
}
