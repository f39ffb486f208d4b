//! Counts the bytes that go by, both ways: what an exporter puts on the wire, headers and all.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::Result;

#[derive(Debug, Default)]
pub struct Relay {
    sent: AtomicU64,
    answered: AtomicU64,
}

impl Relay {
    /// Listens at the address that it gives, and hands all on to `target`.
    pub fn start(target: SocketAddr) -> Result<(Arc<Self>, SocketAddr)> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let relay = Arc::new(Self::default());
        let counts = Arc::clone(&relay);
        thread::spawn(move || {
            while let Ok((near, _)) = listener.accept() {
                let Ok(far) = TcpStream::connect(target) else { return };
                let (Ok(near_back), Ok(far_back)) = (near.try_clone(), far.try_clone()) else {
                    return;
                };
                let (up, down) = (Arc::clone(&counts), Arc::clone(&counts));
                thread::spawn(move || carry(near, far, &up.sent));
                thread::spawn(move || carry(far_back, near_back, &down.answered));
            }
        });
        Ok((relay, address))
    }

    /// Bytes to the server, and back.
    pub fn counts(&self) -> (u64, u64) {
        (self.sent.load(Ordering::Acquire), self.answered.load(Ordering::Acquire))
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, count: &AtomicU64) {
    let _ = to.set_nodelay(true);
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        // Counted first: whoever has the bytes finds them counted.
        count.fetch_add(read as u64, Ordering::AcqRel);
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
