//! Rows of the fault matrix once more where TLS is spoken: what its connections cost, and slow handshakes.

#![cfg(all(target_os = "linux", feature = "cli", feature = "tls"))]

#[path = "support/certificates.rs"]
mod certificates;
mod hostile;
#[path = "../src/schema/mod.rs"]
#[allow(unused_imports, reason = "generated")]
mod schema;

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, MutexGuard};
use std::time::{Duration, Instant};

use certificates::{Authority, Directory};
use hostile::process::{Process, alone, may_open, measured};
use hostile::wire::{Peer, Said, Wire, socket};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

const MIB: u64 = 1 << 20;

/// A receiver that speaks TLS, and what its clients need.
struct Site {
    process: Process,
    config: Arc<ClientConfig>,
    _directory: Directory,
    _turn: MutexGuard<'static, ()>,
}

struct Secured(StreamOwned<ClientConnection, TcpStream>);

impl Site {
    /// With so many seconds for a log-in.
    fn new(login: &str) -> Self {
        let (directory, authority) = (Directory::new(), Authority::new("here"));
        let (certificate, key) = authority.issue("localhost").write(&directory, "server");
        let arguments =
            ["--tls-certificate", &certificate, "--tls-key", &key, "--login-timeout", login];
        let (turn, process) = alone(env!("CARGO_BIN_EXE_trackside"), &arguments);
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(authority.pem.as_bytes()).expect("a certificate");
        roots.add(root).expect("an authority");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("there are some")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { process, config: Arc::new(config), _directory: directory, _turn: turn }
    }

    /// Logged in.
    fn known(&self) -> Peer {
        let name = ServerName::try_from("localhost").expect("a name");
        let session = ClientConnection::new(Arc::clone(&self.config), name).expect("a session");
        let stream = StreamOwned::new(session, socket(self.process.address()));
        let mut peer = Peer::over(Box::new(Secured(stream)));
        peer.begin(None);
        assert!(peer.began(), "the log-in failed");
        peer.settle();
        peer
    }
}

impl Read for Secured {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Secured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Wire for Secured {
    fn socket(&self) -> &TcpStream {
        &self.0.sock
    }
}

#[test]
fn row_095_a_thousand_idle_connections_with_tls() {
    let mut site = Site::new("5");
    assert!(may_open(std::process::id(), 1500) && may_open(site.process.id(), 1500));
    let mut one = site.known();
    let before = site.process.memory();
    let crowd: Vec<_> = (0..1000).map(|_| site.known()).collect();
    let all = site.process.memory();
    assert_eq!(one.ping(), Said::Answered);
    let each = (all - before) / 1000;
    measured("95", &format!("{all} B at 1,000 idle connections with TLS, {each} B each"));
    assert!(all <= 64 * MIB, "{all} bytes at 1,000");
    drop(crowd);
    site.process.assert_well();
}

/// So many more than may shake hands at one time, and none of them goes on.
#[test]
fn row_097_slow_handshakes_do_not_keep_others_out() {
    let mut site = Site::new("60");
    assert!(may_open(std::process::id(), 1500) && may_open(site.process.id(), 1500));
    let before = site.process.memory();
    let address = site.process.address();
    let slow: Vec<_> = (0..700)
        .map(|_| {
            let mut socket = socket(address);
            // The beginning of a record of a handshake.
            socket.write_all(&[0x16, 3, 1, 2, 0, 1]).unwrap();
            socket
        })
        .collect();
    let begun = Instant::now();
    let mut known = site.known();
    let took = begun.elapsed();
    let cost = site.process.memory().saturating_sub(before);
    measured("97", &format!("{took:?} for a log-in beside 700 slow handshakes, {cost} B"));
    // They could have waited for 60 s, as long as one may take to log in here.
    assert!(took < Duration::from_secs(30), "{took:?}");
    assert!(cost < 32 * MIB, "{cost} bytes");
    assert_eq!(known.ping(), Said::Answered);
    drop(slow);
    site.process.assert_well();
}
