//! Certificates and keys out of files.

use std::fs::File;
use std::io::{self, Read as _};

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::PemFile;

/// No file of certificates is larger; a system's own bundle has some 250 KiB.
const MOST: u64 = 4 * 1024 * 1024;

/// The bytes of a file; an error names it, with a remedy.
pub(super) fn read(file: &PemFile) -> Result<Vec<u8>, String> {
    let failed = |error: io::Error| {
        let remedy = match error.kind() {
            io::ErrorKind::NotFound => "there is no such file; correct the path",
            io::ErrorKind::PermissionDenied => "this process may not read it; correct its mode",
            _ => return format!("{file}: cannot be read: {error}"),
        };
        format!("{file}: {remedy}")
    };
    // A pipe would never end.
    if !std::fs::metadata(&file.path).map_err(failed)?.is_file() {
        return Err(format!("{file}: not a file; name one in PEM form"));
    }
    let mut bytes = Vec::new();
    let opened = File::open(&file.path).map_err(failed)?;
    opened.take(MOST + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MOST {
        return Err(format!("{file}: larger than any file of certificates; name another"));
    }
    Ok(bytes)
}

/// A chain, the leaf first.
pub(super) fn certificates(
    file: &PemFile,
    bytes: &[u8],
) -> Result<Vec<CertificateDer<'static>>, String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    let found = read.map_err(|_| format!("{file}: broken PEM; write the file anew"))?;
    if found.is_empty() {
        return Err(format!(
            "{file}: holds no certificate; it has to be in PEM form, with -----BEGIN CERTIFICATE-----"
        ));
    }
    Ok(found)
}

/// The authorities of a file.
pub(super) fn roots(file: &PemFile, bytes: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file, bytes)? {
        let unreadable = |error| format!("{file}: holds what is no certificate ({error})");
        roots.add(certificate).map_err(unreadable)?;
    }
    Ok(roots)
}

/// A certificate with its key; that they belong together is checked.
pub(super) fn identity(
    (certificate, chain): (&PemFile, &[u8]),
    (key, secret): (&PemFile, &[u8]),
) -> Result<CertifiedKey, String> {
    let chain = certificates(certificate, chain)?;
    let secret = PrivateKeyDer::from_pem_slice(secret).map_err(|_| {
        let encrypted = b"-----BEGIN ENCRYPTED PRIVATE KEY-----";
        match secret.windows(encrypted.len()).any(|window| window == encrypted) {
            true => format!("{key}: its key is encrypted; decrypt it, and let only its user read it"),
            false => format!(
                "{key}: holds no private key; it has to be in PEM form, with -----BEGIN PRIVATE KEY-----"
            ),
        }
    })?;
    let provider = rustls::crypto::ring::default_provider();
    CertifiedKey::from_der(chain, secret, &provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => {
            format!("{key}: not the key of the certificate of {certificate}; name the pair")
        }
        rustls::Error::InvalidCertificate(_) => {
            format!("{certificate}: holds what is no certificate ({error}); write the file anew")
        }
        error => {
            format!("{key}: its key cannot be used ({error}); take one of RSA, ECDSA or Ed25519")
        }
    })
}
