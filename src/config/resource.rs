//! Who is speaking: the resource's attributes.

use super::report::Origin;
use super::resolve::Resolver;
use super::variables::{OTEL_RESOURCE_ATTRIBUTES, OTEL_SERVICE_NAME};
use crate::error::Error;

const SERVICE_NAME: &str = "service.name";

impl Resolver<'_> {
    /// In order, `service.name` first; the first to claim a key keeps it.
    pub(super) fn resource(&mut self) -> Result<Vec<(String, String)>, Error> {
        let config = self.config;
        if let Some((_, value)) = config.attributes.iter().find(|(key, _)| key.is_empty()) {
            return Err(Error::argument("with_attribute", &format!("={value}"), "name the key"));
        }
        let mut found: Vec<(String, String, Origin)> = Vec::new();
        let mut claim = |key: &str, value: &str, origin| {
            let nameless = key == SERVICE_NAME && value.trim().is_empty();
            if !nameless && !found.iter().any(|(known, ..)| known == key) {
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
        let fallback = config.fallback_name.clone();
        let origin = if fallback.is_some() { Origin::Argument } else { Origin::Default };
        let unknown = match fallback.or_else(process_name) {
            Some(name) => format!("unknown_service:{name}"),
            None => "unknown_service".to_owned(),
        };
        claim(SERVICE_NAME, &unknown, origin);
        claim("telemetry.sdk.language", "rust", Origin::Default);
        claim("telemetry.sdk.name", "trackside", Origin::Default);
        claim("telemetry.sdk.version", env!("CARGO_PKG_VERSION"), Origin::Default);

        found.sort_by_key(|(key, ..)| key != SERVICE_NAME);
        for (key, value, origin) in &found {
            self.report.set(key, value.as_str(), *origin);
        }
        Ok(found.into_iter().map(|(key, value, _)| (key, value)).collect())
    }
}

fn process_name() -> Option<String> {
    let path = std::env::current_exe().ok()?;
    Some(path.file_name()?.to_string_lossy().into_owned())
}
