//! The side that connects.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, TlsStream};

use super::bounded::Bounded;
use super::fault::Expectation;
use super::secured::Secured;
use super::{Certificates, Duplex, PemFile, pem};

pub(crate) const SUPPORTED: bool = true;

/// Bytes of a server's handshake: its chain, mostly.
const HANDSHAKE: usize = 256 * 1024;

/// What is spoken over a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Protocol {
    Http1,
    /// As gRPC is.
    Http2,
    Capnp,
}

/// Secures connections to one server. What the files hold counts from the next connection on.
pub(crate) struct Client {
    name: Option<ServerName<'static>>,
    expected: Expectation,
    protocol: Protocol,
    /// Kept while the files hold the same, so that the server can resume a session.
    kept: Option<(u64, Arc<ClientConfig>)>,
    hasher: RandomState,
}

/// What the files hold.
struct Material {
    roots: Option<Vec<u8>>,
    identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl Client {
    pub(crate) fn new(host: &str, certificates: &Certificates, protocol: Protocol) -> Self {
        let plain = match protocol {
            Protocol::Http1 | Protocol::Http2 => "http://",
            Protocol::Capnp => "capnp://",
        };
        let (host, certificates) = (host.to_owned(), certificates.clone());
        Self {
            name: ServerName::try_from(host.clone()).ok(),
            expected: Expectation { host, certificates, plain },
            protocol,
            kept: None,
            hasher: RandomState::new(),
        }
    }

    /// Shakes hands; the caller limits the time.
    pub(crate) async fn secure(&mut self, stream: TcpStream) -> Result<Box<dyn Duplex>, String> {
        let name = self.name.clone().ok_or_else(|| {
            format!("TLS: {:?} is no name that a certificate can have", self.expected.host)
        })?;
        let connector = TlsConnector::from(self.config()?);
        let stream = Bounded::new(stream, HANDSHAKE);
        let connected = connector.connect(name, stream).await;
        let stream = connected.map_err(|error| self.expected.in_handshake(&error))?;
        let expected = self.expected.clone();
        let explain = Box::new(move |error: &_| expected.later(error));
        Ok(Box::new(Secured::new(TlsStream::Client(stream), explain)))
    }

    fn config(&mut self) -> Result<Arc<ClientConfig>, String> {
        let certificates = &self.expected.certificates;
        let material = Material::read(certificates)?;
        let mark = material.mark(&self.hasher);
        if let Some((_, kept)) = self.kept.as_ref().filter(|(before, _)| *before == mark) {
            return Ok(Arc::clone(kept));
        }
        let roots = match (&certificates.roots, &material.roots) {
            (Some(file), Some(bytes)) => pem::roots(file, bytes)?,
            _ => system(certificates)?,
        };
        let mut config = build(roots, certificates, &material)?;
        config.alpn_protocols = match self.protocol {
            Protocol::Http1 => vec![b"http/1.1".to_vec()],
            Protocol::Http2 => vec![b"h2".to_vec()],
            Protocol::Capnp => Vec::new(),
        };
        let config = Arc::new(config);
        self.kept = Some((mark, Arc::clone(&config)));
        Ok(config)
    }
}

impl Material {
    fn read(certificates: &Certificates) -> Result<Self, String> {
        let roots = certificates.roots.as_ref().map(pem::read).transpose()?;
        let read = |(certificate, key): &(PemFile, PemFile)| {
            Ok::<_, String>((pem::read(certificate)?, pem::read(key)?))
        };
        Ok(Self { roots, identity: certificates.identity.as_ref().map(read).transpose()? })
    }

    /// Another one where a file holds something else.
    fn mark(&self, hasher: &RandomState) -> u64 {
        let mut hasher = hasher.build_hasher();
        let (certificate, key) = self.identity.as_ref().map(|(a, b)| (&a[..], &b[..])).unzip();
        for part in [self.roots.as_deref(), certificate, key] {
            hasher.write_usize(part.map_or(usize::MAX, <[u8]>::len));
            hasher.write(part.unwrap_or_default());
        }
        hasher.finish()
    }
}

fn build(
    roots: RootCertStore,
    certificates: &Certificates,
    material: &Material,
) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    // 1.2 and 1.3.
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS: {error}"))?
        .with_root_certificates(roots);
    Ok(match (&certificates.identity, &material.identity) {
        (Some((certificate, key)), Some((chain, secret))) => {
            let identity = pem::identity((certificate, chain), (key, secret))?;
            config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity)))
        }
        _ => config.with_no_client_auth(),
    })
}

/// The authorities that this machine trusts.
fn system(certificates: &Certificates) -> Result<RootCertStore, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if !roots.is_empty() {
        return Ok(roots);
    }
    let why = found.errors.first().map(|error| format!(" ({error})")).unwrap_or_default();
    Err(format!(
        "TLS: this system has no authorities to trust{why}; install its package of certificates, or \
         set {} to a PEM file",
        certificates.setting
    ))
}

/// Whether the files can be used now; the error names the file.
pub(crate) fn check(certificates: &Certificates) -> Result<(), String> {
    let material = Material::read(certificates)?;
    let roots = match (&certificates.roots, &material.roots) {
        (Some(file), Some(bytes)) => pem::roots(file, bytes)?,
        _ => RootCertStore::empty(),
    };
    build(roots, certificates, &material).map(drop)
}
