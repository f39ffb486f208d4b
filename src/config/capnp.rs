//! Cap'n Proto as a destination: its target, token, timeout and compression.

use http::header::AUTHORIZATION;

use super::endpoint::Scheme;
use super::exporter::Destination;
use super::parse::{Asked, Checked, Exporter, Header, mask_header};
use super::plan::{CapnpPlan, Compression, Target, Token};
use super::report::Origin;
use super::resolve::{Resolver, milliseconds_or_none};
use super::signal::Signal;
use super::variables::*;
use crate::export::HAS_ZSTD;

/// Where a receiver listens when nothing else is said.
const PORT: u16 = 4319;

impl Resolver<'_> {
    /// `Err` is why the signal cannot leave by Cap'n Proto. Beside OTLP, what only that understands is no
    /// disagreement.
    pub(super) fn capnp(
        &mut self,
        signal: &Signal,
        argued: &Destination,
        beside_otlp: bool,
    ) -> Checked<CapnpPlan> {
        if let Some(why) = &self.broken {
            return Err(why.clone());
        }
        let name = |setting: &str| format!("{}.capnp.{setting}", signal.name);
        let target = match self.endpoint(signal, argued, Exporter::Capnp, beside_otlp) {
            Some((endpoint, origin)) => {
                let target = endpoint.target().map_err(|why| format!("{origin}: {why}"))?;
                if endpoint.scheme == Scheme::Http {
                    self.report.note(format!(
                        "{origin}: the exporter is capnp, so Cap'n Proto is sent to that host and \
                         port and no HTTP; write it as {target}"
                    ));
                }
                self.report.set(&name("endpoint"), target.to_string(), origin);
                target
            }
            None => {
                let target = Target::Tcp { host: "localhost".to_owned(), port: PORT };
                self.report.set(&name("endpoint"), target.to_string(), Origin::Default);
                target
            }
        };
        self.capnp_to(target, signal, argued, beside_otlp)
    }

    /// The rest, where the target is known.
    pub(super) fn capnp_to(
        &mut self,
        target: Target,
        signal: &Signal,
        argued: &Destination,
        beside_otlp: bool,
    ) -> Checked<CapnpPlan> {
        let name = |setting: &str| format!("{}.capnp.{setting}", signal.name);
        let protocols = [signal.protocol, &OTEL_EXPORTER_OTLP_PROTOCOL];
        if let Some((_, origin)) = self.set(&protocols).filter(|_| !beside_otlp) {
            let remedy = "it is about OTLP; leave it out";
            self.report.note(format!("{origin}: not used, since Cap'n Proto is sent; {remedy}"));
        }
        let token = self.token(signal, argued, beside_otlp);
        if let Some((_, origin)) = &token {
            self.report.set(&name("token"), "***", *origin);
        }
        let timeout = self.setting(
            &name("timeout"),
            &[signal.timeout, &OTEL_EXPORTER_OTLP_TIMEOUT],
            milliseconds_or_none,
        );
        let (compression, origin) = self.capnp_compression(signal, &target, beside_otlp);
        self.report.set(&name("compression"), compression.to_string(), origin);
        if !beside_otlp {
            self.note_insecure(signal, "it is about gRPC, which is not sent");
        }
        let is_secure = matches!(target, Target::Tls { .. });
        let destination = format!("{}.capnp", signal.name);
        let certificates = self.certificates(&destination, signal, argued, is_secure)?;
        let token = token.map(|(token, _)| token);
        Ok(CapnpPlan { target, token, timeout, compression, certificates })
    }

    /// The bearer token among the headers, which are good for nothing else here.
    fn token(
        &mut self,
        signal: &Signal,
        argued: &Destination,
        beside_otlp: bool,
    ) -> Option<(Token, Origin)> {
        let mut found = None;
        for (header, origin) in self.headers(signal, argued) {
            let remedy = match bearer(&header) {
                Some(token) => {
                    found = Some((token, origin));
                    continue;
                }
                None if header.0 == AUTHORIZATION => "only `Bearer <token>` can be sent",
                None if beside_otlp => continue,
                None => "there are no headers; only `authorization` has a meaning",
            };
            let header = mask_header(header.0.as_str());
            self.report.note(format!("{origin}: {header}: not sent over Cap'n Proto: {remedy}"));
        }
        found
    }

    fn capnp_compression(
        &mut self,
        signal: &Signal,
        target: &Target,
        beside_otlp: bool,
    ) -> (Compression, Origin) {
        let asked = self.set(&[signal.compression, &OTEL_EXPORTER_OTLP_COMPRESSION]);
        let usual = match target.is_local() || !HAS_ZSTD {
            true => Compression::None,
            false => Compression::OffMachine,
        };
        match asked {
            None => (usual, Origin::Default),
            Some((Asked::None, origin)) => (Compression::None, origin),
            Some((Asked::Zstd, origin)) if HAS_ZSTD => (Compression::Zstd, origin),
            Some((Asked::Zstd, origin)) => {
                let remedy = "this build has no zstd, which is the feature `zstd`";
                self.report.note(format!("{origin}: {remedy}; nothing is compressed"));
                (Compression::None, Origin::Default)
            }
            Some((Asked::Gzip, origin)) => {
                if !beside_otlp {
                    let remedy = "use zstd, none, or leave it out";
                    self.report.note(format!(
                        "{origin}: gzip is for OTLP, and Cap'n Proto is sent; {remedy}"
                    ));
                }
                (usual, Origin::Default)
            }
        }
    }
}

fn bearer((name, value): &Header) -> Option<Token> {
    let (scheme, token) = value.as_bytes().split_at_checked("Bearer ".len())?;
    let token = token.trim_ascii();
    let is_bearer = *name == AUTHORIZATION && scheme.eq_ignore_ascii_case(b"Bearer ");
    (is_bearer && !token.is_empty()).then(|| Token::new(token.to_vec().into()))
}
