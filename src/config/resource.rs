//! Who is speaking: the resource's attributes.

mod container;
mod host;
mod instance;
mod kubernetes;
mod os;
mod process;

pub(crate) use instance::renew;

use super::report::Origin;
use super::resolve::Resolver;
use super::service;
use super::variables::{OTEL_ENTITIES, OTEL_RESOURCE_ATTRIBUTES, OTEL_SERVICE_NAME};
use crate::error::Error;
use crate::telemetry::Detector;

/// Takes a key and its value.
type Claim<'a> = dyn FnMut(&str, &str) + 'a;

const SERVICE_NAME: &str = "service.name";

impl Resolver<'_> {
    /// In order, `service.name` first; the first to claim a key keeps it.
    pub(super) fn resource(&mut self) -> Result<Vec<(String, String)>, Error> {
        let config = self.config;
        if let Some((_, value)) = config.attributes.iter().find(|(key, _)| key.is_empty()) {
            return Err(Error::argument("with_attribute", &format!("={value}"), "name the key"));
        }
        let of_kubernetes = match self.is_detected(Detector::Kubernetes) {
            true => kubernetes::detect(self),
            false => Vec::new(),
        };
        let mut found: Vec<(String, String, Origin)> = Vec::new();
        let mut claim = |key: &str, value: &str, origin| {
            let nameless = key == SERVICE_NAME && value.trim().is_empty();
            let nothing = origin == Origin::Detected && value.is_empty();
            if !nameless && !nothing && !found.iter().any(|(known, ..)| known == key) {
                found.push((key.to_owned(), value.to_owned(), origin));
            }
        };

        let arguments = [
            (SERVICE_NAME, &config.service_name),
            ("service.version", &config.service_version),
            ("deployment.environment.name", &config.environment),
        ];
        for (key, value) in arguments {
            if let Some(value) = value {
                claim(key, value, Origin::Argument);
            }
        }
        for (key, value) in &config.attributes {
            claim(key, value, Origin::Argument);
        }
        if let Some((name, origin)) = self.set(&[&OTEL_SERVICE_NAME]) {
            claim(SERVICE_NAME, &name, origin);
        }
        if let Some((pairs, origin)) = self.set(&[&OTEL_RESOURCE_ATTRIBUTES]) {
            for (key, value) in &pairs {
                claim(key, value, origin);
            }
        }
        if let Some((pairs, origin)) = self.set(&[&OTEL_ENTITIES]) {
            for (key, value) in &pairs {
                claim(key, value, origin);
            }
        }
        let fallback = config.fallback_name.clone();
        let origin = if fallback.is_some() { Origin::Argument } else { Origin::Default };
        let host = fallback.or_else(process_name);
        if let Some(name) = service::registered().service_name(host.as_deref()) {
            claim(SERVICE_NAME, &name, Origin::Registration);
        }
        let unknown = match host {
            Some(name) => format!("unknown_service:{name}"),
            None => "unknown_service".to_owned(),
        };
        claim(SERVICE_NAME, &unknown, origin);
        claim("telemetry.sdk.language", "rust", Origin::Default);
        claim("telemetry.sdk.name", "trackside", Origin::Default);
        claim("telemetry.sdk.version", env!("CARGO_PKG_VERSION"), Origin::Default);
        for (key, value, origin) in of_kubernetes {
            claim(key, &value, origin);
        }
        for (detector, detect) in DETECTORS {
            if self.is_detected(*detector) {
                detect(&mut |key, value| claim(key, value, Origin::Detected));
            }
        }

        found.sort_by_key(|(key, ..)| key != SERVICE_NAME);
        for (key, value, origin) in &found {
            self.report.set(key, value.as_str(), *origin);
        }
        Ok(found.into_iter().map(|(key, value, _)| (key, value)).collect())
    }
}

type Detect = fn(&mut Claim<'_>);

static DETECTORS: &[(Detector, Detect)] = &[
    (Detector::Distro, distro),
    (Detector::Instance, instance::detect),
    (Detector::Host, host::detect),
    (Detector::HostId, host::detect_id),
    (Detector::Os, os::detect),
    (Detector::Process, process::detect),
    (Detector::CommandLine, process::detect_command_line),
    (Detector::Container, container::detect),
];

impl Resolver<'_> {
    /// Whether this is asked for; what may be a secret, only where it was.
    fn is_detected(&self, detector: Detector) -> bool {
        let asked = self.config.detectors.iter().find(|(of, _)| *of == detector);
        let usual = !matches!(detector, Detector::HostId | Detector::CommandLine);
        asked.map_or(usual, |(_, on)| *on)
    }
}

/// Who put the SDK together.
fn distro(claim: &mut Claim<'_>) {
    claim("telemetry.distro.name", "trackside");
    claim("telemetry.distro.version", env!("CARGO_PKG_VERSION"));
}

fn process_name() -> Option<String> {
    let path = std::env::current_exe().ok()?;
    Some(path.file_name()?.to_string_lossy().into_owned())
}
