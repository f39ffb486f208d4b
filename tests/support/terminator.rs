//! A server of TLS in front of a server without, which tells what it saw.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncReadExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

use super::certificates::{Authority, Pair};

pub(crate) struct Terminator {
    address: SocketAddr,
    shared: Arc<Shared>,
    _runtime: tokio::runtime::Runtime,
}

struct Shared {
    config: Mutex<Arc<ServerConfig>>,
    seen: Mutex<Seen>,
    cut: Notify,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// The certificate of each client whose handshake was done.
    pub(crate) clients: Vec<Option<Vec<u8>>>,
    /// Connections that ended with a close_notify of the client, and without one.
    pub(crate) goodbyes: usize,
    pub(crate) silent: usize,
    /// Why handshakes failed.
    pub(crate) failures: Vec<String>,
}

/// What a server of TLS shows, and the authority of its clients.
pub(crate) fn config(pair: &Pair, clients: Option<&Authority>) -> Arc<ServerConfig> {
    let provider = Arc::new(default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("it can be had");
    let builder = match clients {
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots
                .add(
                    CertificateDer::from_pem_slice(authority.pem.as_bytes())
                        .expect("it can be had"),
                )
                .expect("it can be had");
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            builder.with_client_cert_verifier(verifier.build().expect("it can be had"))
        }
        None => builder.with_no_client_auth(),
    };
    let chain =
        vec![CertificateDer::from_pem_slice(pair.certificate.as_bytes()).expect("it can be had")];
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).expect("it can be had");
    Arc::new(builder.with_single_cert(chain, key).expect("it can be had"))
}

impl Terminator {
    /// In front of `server`, at a free port.
    pub(crate) fn to(server: SocketAddr, config: Arc<ServerConfig>) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("it can be had");
        let listener =
            runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).expect("it can be had");
        let address = listener.local_addr().expect("it can be had");
        let (seen, cut) = (Mutex::default(), Notify::new());
        let shared = Arc::new(Shared { config: Mutex::new(config), seen, cut });
        runtime.spawn({
            let shared = Arc::clone(&shared);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, server, Arc::clone(&shared)));
                }
            }
        });
        Self { address, shared, _runtime: runtime }
    }

    /// `scheme://localhost:port`
    pub(crate) fn url(&self, scheme: &str) -> String {
        format!("{scheme}://localhost:{}", self.address.port())
    }

    pub(crate) fn seen(&self) -> Seen {
        self.shared.seen.lock().expect("no panic").clone()
    }

    /// From the next connection on.
    pub(crate) fn set(&self, config: Arc<ServerConfig>) {
        *self.shared.config.lock().expect("no panic") = config;
    }

    /// Ends every connection.
    pub(crate) fn cut(&self) {
        self.shared.cut.notify_waiters();
    }
}

async fn serve(stream: TcpStream, server: SocketAddr, shared: Arc<Shared>) {
    let config = Arc::clone(&shared.config.lock().expect("no panic"));
    let mut stream = match TlsAcceptor::from(config).accept(stream).await {
        Ok(stream) => stream,
        Err(error) => {
            return shared.seen.lock().expect("no panic").failures.push(error.to_string());
        }
    };
    let shown = stream.get_ref().1.peer_certificates().map(|chain| chain[0].to_vec());
    shared.seen.lock().expect("no panic").clients.push(shown);
    let mut server = TcpStream::connect(server).await.expect("it can be had");
    let mut ended = tokio::select! {
        ended = copy_bidirectional(&mut stream, &mut server) => ended.map(|_| 0),
        () = shared.cut.notified() => return,
    };
    if ended.is_err() {
        // Perhaps the client took no more bytes; what it said last is still there to be read.
        let mut rest = [0; 4096];
        loop {
            ended = stream.read(&mut rest).await;
            if !matches!(ended, Ok(1..)) {
                break;
            }
        }
    }
    let mut seen = shared.seen.lock().expect("no panic");
    match ended {
        Ok(_) => seen.goodbyes += 1,
        Err(_) => seen.silent += 1,
    }
}
