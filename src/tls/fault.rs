//! What went wrong with TLS, in sentences with a remedy.

use std::io;
use std::time::Duration;

use rustls::pki_types::UnixTime;
use rustls::{AlertDescription as Alert, CertificateError, Error};

use super::Certificates;

/// What a client expected of its server.
#[derive(Clone)]
pub(super) struct Expectation {
    pub(super) host: String,
    pub(super) certificates: Certificates,
    /// The scheme without TLS.
    pub(super) plain: &'static str,
}

impl Expectation {
    /// Of the handshake.
    pub(super) fn in_handshake(&self, error: &io::Error) -> String {
        let plain = self.plain;
        match (of(error), error.kind()) {
            (None, io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) => format!(
                "TLS: the server ended the connection within the handshake; perhaps it does not speak \
                 TLS: then use {plain}"
            ),
            _ => self.later(error),
        }
    }

    /// Of all that comes after it, and what both have in common.
    pub(super) fn later(&self, error: &io::Error) -> String {
        let Some(fault) = of(error) else {
            return match error.kind() {
                io::ErrorKind::UnexpectedEof => NO_GOODBYE.to_owned(),
                _ => error.to_string(),
            };
        };
        let what = match fault {
            Error::InvalidCertificate(why) => self.certificate(why),
            Error::AlertReceived(alert) => self.alert(*alert),
            Error::InvalidMessage(_) => {
                format!("the server does not speak TLS; use {}, or correct the port", self.plain)
            }
            Error::NoApplicationProtocol => NOT_SPOKEN.to_owned(),
            Error::PeerIncompatible(_) => {
                format!(
                    "the server has no version or cipher that is safe ({fault}); it needs TLS 1.2"
                )
            }
            other => other.to_string(),
        };
        format!("TLS: {what}")
    }

    fn certificate(&self, why: &CertificateError) -> String {
        let Self { host, certificates, .. } = self;
        match why {
            CertificateError::UnknownIssuer => {
                let trusted = match &certificates.roots {
                    Some(file) => format!("those of {file}"),
                    None => "the system's".to_owned(),
                };
                let setting = certificates.setting;
                format!(
                    "unknown authority: what issued the server's certificate is none of {trusted}; \
                     set {setting} to a PEM file with it"
                )
            }
            CertificateError::Expired => {
                "the server's certificate has expired; renew it".to_owned()
            }
            CertificateError::ExpiredContext { time, not_after } => {
                let ago = between(*not_after, *time);
                format!("the server's certificate expired {ago} ago; renew it")
            }
            CertificateError::NotValidYet => {
                "the server's certificate is not valid yet; correct the clocks".to_owned()
            }
            CertificateError::NotValidYetContext { time, not_before } => {
                let left = between(*time, *not_before);
                format!("the server's certificate is valid only in {left}; correct the clocks")
            }
            CertificateError::NotValidForName => {
                format!(
                    "wrong name: the server's certificate is not for {host}; correct one of them"
                )
            }
            CertificateError::NotValidForNameContext { presented, .. } => {
                let names = names(presented);
                format!(
                    "wrong name: the server's certificate is for {names}, not for {host}; use a name \
                     that it has, or renew it"
                )
            }
            CertificateError::Revoked => "the server's certificate was revoked".to_owned(),
            other => format!("the server's certificate cannot be used ({other}); renew it"),
        }
    }

    fn alert(&self, alert: Alert) -> String {
        let shown = self.certificates.identity.as_ref().map(|(certificate, _)| certificate);
        match (alert, shown) {
            (Alert::CertificateRequired, _) | (Alert::HandshakeFailure, None) => {
                let certificate =
                    self.certificates.setting.replace("CERTIFICATE", "CLIENT_CERTIFICATE");
                format!(
                    "the server refused ({alert:?}): it wants a certificate of the client; set \
                     {certificate} and its key"
                )
            }
            (
                Alert::UnknownCA
                | Alert::BadCertificate
                | Alert::UnsupportedCertificate
                | Alert::CertificateRevoked
                | Alert::CertificateExpired
                | Alert::CertificateUnknown
                | Alert::AccessDenied
                | Alert::DecryptError
                | Alert::HandshakeFailure,
                Some(file),
            ) => format!("the server refused the client's certificate ({alert:?}); renew {file}"),
            (Alert::UnrecognisedName, _) => {
                format!("the server knows no name {}; correct the endpoint", self.host)
            }
            (Alert::NoApplicationProtocol, _) => NOT_SPOKEN.to_owned(),
            (Alert::ProtocolVersion, _) => {
                "the server has no version of TLS from 1.2 on, or does not speak it".to_owned()
            }
            (alert, _) => format!("the server refused ({alert:?})"),
        }
    }
}

const NOT_SPOKEN: &str = "the server does not speak this protocol (HTTP/2 is for gRPC, HTTP/1.1 for the others); \
     correct the port, or OTEL_EXPORTER_OTLP_PROTOCOL";
const NO_GOODBYE: &str = "the connection ended without a word (no close_notify of TLS)";

/// What a server says of a client; it shows nothing that the client sent.
#[cfg_attr(not(test), allow(dead_code, reason = "for the receiver"))]
pub(super) fn of_client(error: &io::Error) -> String {
    let Some(fault) = of(error) else {
        return match error.kind() {
            io::ErrorKind::UnexpectedEof => NO_GOODBYE.to_owned(),
            _ => error.to_string(),
        };
    };
    let what = match fault {
        Error::NoCertificatesPresented => "it showed no certificate".to_owned(),
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "its certificate is of another authority".to_owned()
        }
        Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => "its certificate has expired".to_owned(),
        Error::InvalidCertificate(why) => format!("its certificate cannot be used ({why})"),
        Error::AlertReceived(Alert::UnknownCA) => {
            "it does not trust this receiver's certificate (UnknownCA)".to_owned()
        }
        Error::AlertReceived(alert) => format!("it refused ({alert:?})"),
        Error::InvalidMessage(_) => "what it sent is not TLS".to_owned(),
        other => other.to_string(),
    };
    format!("TLS: {what}")
}

fn of(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

fn between(earlier: UnixTime, later: UnixTime) -> String {
    let time = Duration::from_secs(later.as_secs().saturating_sub(earlier.as_secs()));
    let (count, unit) = match time.as_secs() {
        seconds @ 0..=119 => (seconds, "seconds"),
        seconds @ 120..=7199 => (seconds / 60, "minutes"),
        seconds @ 7200..=172_799 => (seconds / 3600, "hours"),
        seconds => (seconds / 86_400, "days"),
    };
    format!("{count} {unit}")
}

/// The first few of them, as the peer wrote them.
fn names(presented: &[String]) -> String {
    const SHOWN: usize = 3;
    // As `DnsName("collector")`, or `IpAddress(127.0.0.1)`.
    let inside = |name: &str| {
        let (_, inside) = name.split_once('(')?;
        Some(inside.strip_suffix(')')?.trim_matches('"').to_owned())
    };
    let mut text: Vec<String> = presented
        .iter()
        .take(SHOWN)
        .map(|name| inside(name).unwrap_or_else(|| name.clone()).escape_debug().take(80).collect())
        .collect();
    match presented.len() {
        0 => return "no name at all".to_owned(),
        more if more > SHOWN => text.push(format!("{} more", more - SHOWN)),
        _ => {}
    }
    text.join(", ")
}
