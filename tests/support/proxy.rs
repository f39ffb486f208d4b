//! What stands between a client and a server: a proxy of HTTP, and a socket in the file system.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::sync::{Arc, Mutex};
use std::thread;

/// Whatever host is asked for, it leads to one server.
pub(crate) struct Proxy {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// `refusal` is answered instead of a way.
    pub(crate) fn to(server: SocketAddr, refusal: Option<&'static str>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let heads: Arc<Mutex<Vec<String>>> = Arc::default();
        let known = Arc::clone(&heads);
        thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                let known = Arc::clone(&known);
                thread::spawn(move || {
                    let Some(head) = head(&mut client) else { return };
                    let is_tunnel = head.starts_with("CONNECT ");
                    known.lock().expect("no panic").push(head.clone());
                    if let Some(refusal) = refusal {
                        let _ = client.write_all(refusal.as_bytes());
                        return;
                    }
                    let Ok(mut server) = TcpStream::connect(server) else { return };
                    let begun = match is_tunnel {
                        true => client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n"),
                        false => server.write_all(head.as_bytes()),
                    };
                    if begun.is_ok() {
                        join(client, server);
                    }
                });
            }
        });
        Self { address, heads }
    }

    pub(crate) fn url(&self, user: &str) -> String {
        format!("http://{user}{}", self.address)
    }

    /// The head of the first request of each connection.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("no panic").clone()
    }
}

fn head(client: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

fn join(client: TcpStream, server: TcpStream) {
    let (from, to) = (client.try_clone().expect("a handle"), server.try_clone().expect("a handle"));
    thread::spawn(move || pass(from, to));
    pass(server, client);
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    // However it ends, the other side is told.
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
}

/// A socket at `path` that leads to the server.
pub(crate) fn socket(path: &str, server: SocketAddr) {
    let listener = UnixListener::bind(path).expect("a socket");
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let Ok(mut server) = TcpStream::connect(server) else { continue };
            let mut from = client.try_clone().expect("a handle");
            let mut to = server.try_clone().expect("a handle");
            thread::spawn(move || {
                let _ = io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Both);
            });
            thread::spawn(move || {
                let _ = io::copy(&mut server, &mut client);
                let _ = client.shutdown(Shutdown::Both);
            });
        }
    });
}
