//! The side that is connected to.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::ServerConfig;
use rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::SingleCertAndKey;
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsStream};

use super::bounded::Bounded;
use super::handshakes::Handshakes;
use super::secured::Secured;
use super::{Buffered, Fingerprint, PemFile, fault, pem};
use crate::config::stamp::Stamp;

/// Bytes of one client's handshake; chains have some 4 KiB.
const HANDSHAKE: usize = 32 * 1024;
/// Handshakes at one time: with the above, a bound for what strangers can make us hold.
const AT_ONCE: usize = 512;

/// What a server shows, and whom it lets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerFiles {
    pub(crate) certificate: PemFile,
    pub(crate) key: PemFile,
    /// The authorities of clients; who shows no certificate of theirs is not let in.
    pub(crate) clients: Option<PemFile>,
}

/// Secures the connections of clients.
pub(crate) struct Server {
    files: ServerFiles,
    kept: Mutex<Kept>,
    handshakes: Handshakes,
}

struct Kept {
    stamps: [Option<Stamp>; 3],
    config: Arc<ServerConfig>,
    /// Why the files as they are now are not used.
    complaint: Option<String>,
}

/// A connection whose handshake is done.
pub(crate) struct Accepted {
    pub(crate) stream: Box<dyn Buffered>,
    /// Of the client's certificate, where one was asked for.
    pub(crate) certificate: Option<Fingerprint>,
}

impl Server {
    pub(crate) fn new(files: ServerFiles) -> Result<Self, String> {
        let stamps = stamps(&files);
        let config = config(&files)?;
        let kept = Mutex::new(Kept { stamps, config, complaint: None });
        Ok(Self { files, kept, handshakes: Handshakes::new(AT_ONCE) })
    }

    /// Why the files as they are now are not used, told once.
    pub(crate) fn complaint(&self) -> Option<String> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).complaint.take()
    }

    /// Shakes hands with whoever is at `source`; the caller limits the time.
    pub(crate) async fn accept(
        &self,
        stream: TcpStream,
        source: IpAddr,
    ) -> Result<Accepted, String> {
        let Some(turn) = self.handshakes.turn(source).await else {
            return Err("the receiver is at its end".to_owned());
        };
        let acceptor = TlsAcceptor::from(self.config());
        let accepted = tokio::select! {
            accepted = acceptor.accept(Bounded::new(stream, HANDSHAKE)) => accepted,
            () = turn.given_up() => {
                return Err("the handshake took long while others waited for theirs".to_owned());
            }
        };
        let stream = accepted.map_err(|error| fault::of_client(&error))?;
        let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let certificate = shown.map(|certificate| fingerprint(certificate));
        let secured = Secured::new(TlsStream::Server(stream), Box::new(fault::of_client));
        Ok(Accepted { stream: Box::new(secured), certificate })
    }

    /// What the files hold now; as before while they cannot be used, as when one of two is written already.
    fn config(&self) -> Arc<ServerConfig> {
        let now = stamps(&self.files);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.stamps != now {
            kept.stamps = now;
            match config(&self.files) {
                Ok(config) => (kept.config, kept.complaint) = (config, None),
                Err(why) => kept.complaint = Some(why),
            }
        }
        Arc::clone(&kept.config)
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.files.fmt(f)
    }
}

fn stamps(files: &ServerFiles) -> [Option<Stamp>; 3] {
    let stamp = |file: &PemFile| Stamp::of(&file.path);
    [stamp(&files.certificate), stamp(&files.key), files.clients.as_ref().and_then(stamp)]
}

fn config(files: &ServerFiles) -> Result<Arc<ServerConfig>, String> {
    let ServerFiles { certificate, key, clients } = files;
    let (chain, secret) = (pem::read(certificate)?, pem::read(key)?);
    let identity = pem::identity((certificate, &chain), (key, &secret))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    // 1.2 and 1.3.
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS: {error}"))?;
    let builder = match clients {
        Some(file) => {
            let roots = Arc::new(pem::roots(file, &pem::read(file)?)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
            let verifier = verifier.build().map_err(|error| format!("{file}: {error}"))?;
            builder.with_client_cert_verifier(verifier)
        }
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(identity)));
    // Connections are long; whoever comes again is checked again, and nothing is kept of it.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

fn fingerprint(certificate: &[u8]) -> Fingerprint {
    let mut fingerprint = Fingerprint::default();
    if let Some(suite) = TLS13_AES_128_GCM_SHA256.tls13() {
        let digest = suite.common.hash_provider.hash(certificate);
        fingerprint.copy_from_slice(digest.as_ref());
    }
    fingerprint
}
