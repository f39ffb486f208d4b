//! Which files hold the certificates and keys.

use std::fmt;
use std::path::PathBuf;

/// A file in PEM form. Displays with the setting that names it; what it holds is never shown.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PemFile {
    pub(crate) setting: &'static str,
    pub(crate) path: PathBuf,
}

/// What a client trusts and what it shows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Certificates {
    /// Where a user names another authority, for a remedy.
    pub(crate) setting: &'static str,
    /// The authorities; those of the system where there is none.
    pub(crate) roots: Option<PemFile>,
    /// Certificate and key.
    pub(crate) identity: Option<(PemFile, PemFile)>,
}

/// Of a certificate, by SHA-256.
#[allow(dead_code, reason = "for the receiver")]
pub(crate) type Fingerprint = [u8; 32];

impl Default for Certificates {
    fn default() -> Self {
        Self { setting: "OTEL_EXPORTER_OTLP_CERTIFICATE", roots: None, identity: None }
    }
}

impl PemFile {
    pub(crate) fn new(setting: &'static str, path: impl Into<PathBuf>) -> Self {
        Self { setting, path: path.into() }
    }
}

impl fmt::Display for PemFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (setting, path) = (self.setting, self.path.display().to_string());
        match setting.starts_with("OTEL_") {
            true => write!(f, "{setting}: {path:?}"),
            false => write!(f, "{setting}({path:?})"),
        }
    }
}
