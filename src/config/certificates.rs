//! TLS: what a signal's destination trusts and shows.

use std::path::PathBuf;

use super::endpoint::Endpoint;
use super::exporter::Destination;
use super::parse::Checked;
use super::report::Origin;
use super::resolve::Resolver;
use super::signal::Signal;
use super::variables::*;
use crate::error::Error;
use crate::tls::{self, Certificates, PemFile};

const ROOTS: &str = "with_certificate";
const IDENTITY: &str = "with_client_certificate";

impl Resolver<'_> {
    /// What arguments say, checked whether or not it comes to be used.
    pub(super) fn certificate_arguments(&self) -> Result<Certificates, Error> {
        let roots = self.config.certificate.as_ref().map(|path| PemFile::new(ROOTS, path));
        let identity = self.config.client_certificate.as_ref();
        let identity = identity.map(|(certificate, key)| {
            (PemFile::new(IDENTITY, certificate), PemFile::new(IDENTITY, key))
        });
        let given = Certificates { roots, identity, ..Certificates::default() };
        let setting = match (&given.roots, &given.identity) {
            (Some(file), _) | (None, Some((file, _))) => file.to_string(),
            (None, None) => return Ok(given),
        };
        if !tls::SUPPORTED {
            let remedy = "switch it on, or leave this out";
            return Err(Error::in_argument(format!("{setting}: {}; {remedy}", tls::MISSING)));
        }
        tls::check(&given).map(|()| given).map_err(Error::in_argument)
    }

    /// Arguments over the signal's own variables over the general ones; `Err` names the file that cannot
    /// be used. `name` is the destination's in the report.
    pub(super) fn certificates(
        &mut self,
        name: &str,
        signal: &Signal,
        argued: &Destination,
        is_secure: bool,
    ) -> Checked<Certificates> {
        let variables = [
            [signal.certificate, &OTEL_EXPORTER_OTLP_CERTIFICATE],
            [signal.client_certificate, &OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE],
            [signal.client_key, &OTEL_EXPORTER_OTLP_CLIENT_KEY],
        ];
        let [roots, certificate, key] = variables.map(|candidates| self.pem_file(&candidates));
        if !is_secure {
            for file in [roots, certificate, key].into_iter().flatten() {
                let remedy = "say https:// or capnps:// in the endpoint, or leave it out";
                self.report.note(format!("{file}: not used, since there is no TLS; {remedy}"));
            }
            return Ok(Certificates::default());
        }
        let roots = argued.certificates.roots.clone().or(roots);
        let identity = match (&argued.certificates.identity, certificate, key) {
            (Some(argued), ..) => Some(argued.clone()),
            (None, Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None, None) => None,
            (None, Some(file), None) => {
                let key = OTEL_EXPORTER_OTLP_CLIENT_KEY.name;
                return Err(format!("{file}: its key is missing; set {key}"));
            }
            (None, None, Some(file)) => {
                let certificate = OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE.name;
                return Err(format!("{file}: its certificate is missing; set {certificate}"));
            }
        };
        let (certificate, key) = identity.as_ref().map(|(a, b)| (a, b)).unzip();
        for (setting, file) in [
            ("certificate", roots.as_ref()),
            ("client_certificate", certificate),
            ("client_key", key),
        ] {
            let name = format!("{name}.{setting}");
            match file {
                Some(file) => {
                    let origin = match file.setting {
                        ROOTS | IDENTITY => Origin::Argument,
                        variable => Origin::Variable(variable),
                    };
                    self.report.set(&name, file.path.display().to_string(), origin);
                }
                None if setting == "certificate" => {
                    self.report.set(&name, "the system's", Origin::Default);
                }
                None => {}
            }
        }
        let certificates = Certificates { roots, identity, ..Certificates::default() };
        tls::check(&certificates).map(|()| certificates)
    }

    fn pem_file(&mut self, candidates: &[&Variable<PathBuf>]) -> Option<PemFile> {
        let (path, origin) = self.set(candidates)?;
        Some(PemFile::new(origin.variable()?, path))
    }

    /// Whether gRPC without a scheme goes without TLS.
    pub(super) fn is_insecure(&mut self, signal: &Signal, endpoint: &Endpoint) -> bool {
        if !endpoint.is_bare() {
            self.note_insecure(signal, "the endpoint's scheme says whether there is TLS");
        }
        let set = self.set(&[signal.insecure, &OTEL_EXPORTER_OTLP_INSECURE]);
        set.is_some_and(|(is_insecure, _)| is_insecure)
    }

    /// It is set, and there is nothing that it could be about.
    pub(super) fn note_insecure(&mut self, signal: &Signal, why: &str) {
        if let Some((_, origin)) = self.set(&[signal.insecure, &OTEL_EXPORTER_OTLP_INSECURE]) {
            self.report.note(format!("{origin}: not used: {why}"));
        }
    }
}
