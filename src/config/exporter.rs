//! Where a signal goes: which exporters, which endpoint, which headers.

use http::Uri;

use super::parse::{self, Checked, Exporter, Header, Listed, mask_header};
use super::plan::{ExporterPlan, OtlpPlan};
use super::report::Origin;
use super::resolve::{Resolver, milliseconds_or_none};
use super::signal::Signal;
use super::url;
use super::variables::*;
use crate::error::Error;

const GRPC_PORT: u16 = 4317;

/// What arguments say about every signal's destination, checked.
pub(super) struct Destination {
    base: Option<Uri>,
    headers: Vec<Header>,
}

impl Destination {
    pub(super) fn base(&self) -> Option<&Uri> {
        self.base.as_ref()
    }
}

impl Resolver<'_> {
    /// Arguments are checked whatever the environment makes of them.
    pub(super) fn destination(&mut self) -> Result<Destination, Error> {
        Ok(Destination { base: self.endpoint_argument()?, headers: self.header_arguments()? })
    }

    /// The exporters of a signal, none where it is off, and why.
    pub(super) fn exporters(
        &mut self,
        signal: &Signal,
        argued: &Destination,
    ) -> (Vec<ExporterPlan>, String) {
        let (chosen, mut why, origin) = match self.forced_off(signal) {
            Some((why, origin)) => (None, why, origin),
            None => {
                let (chosen, why, origin) = self.choose(signal, argued.base.is_some());
                (Some(chosen), why, origin)
            }
        };
        let mut exporters = Vec::new();
        if chosen.is_some() {
            for foreign in (signal.foreign)(self.config) {
                let name = format!("{}.exporter", signal.name);
                self.report.set(&name, foreign.to_string(), Origin::Argument);
                exporters.push(ExporterPlan::Foreign(foreign.clone()));
            }
        }
        let has_foreign = !exporters.is_empty();
        if has_foreign && chosen.as_ref().is_some_and(Vec::is_empty) {
            why = "an exporter was given".to_owned();
        }
        let mut failure = None;
        for exporter in chosen.into_iter().flatten() {
            match exporter {
                Exporter::Console => exporters.push(self.console(signal)),
                Exporter::Otlp => match self.otlp(signal, argued) {
                    Ok(plan) => exporters.push(ExporterPlan::Otlp(plan)),
                    Err(reason) => failure = Some(reason),
                },
            }
        }
        if let Some(reason) = failure {
            self.report.note(reason.clone());
            // With another exporter beside it the signal stays on.
            if exporters.is_empty() {
                why = reason;
            }
        }
        let state = if exporters.is_empty() { "off" } else { "on" };
        self.report.set(signal.name, format!("{state}: {why}"), origin);
        (exporters, why)
    }

    /// Off whatever else is configured: why, and who said so.
    fn forced_off(&mut self, signal: &Signal) -> Option<(String, Origin)> {
        let (disabled, origin) = self.set_or_default(&[&OTEL_SDK_DISABLED]);
        if disabled {
            return Some(("OTEL_SDK_DISABLED is true".to_owned(), origin));
        }
        let is_off = (signal.argument)(self.config) == Some(false);
        is_off.then(|| (format!("switched off by with_{}(false)", signal.name), Origin::Argument))
    }

    /// Which exporters of our own, why these, and who said so.
    fn choose(&mut self, signal: &Signal, argued: bool) -> (Vec<Exporter>, String, Origin) {
        let off = |why: String, origin| (Vec::new(), why, origin);
        let variable = signal.exporter.name;
        match self.set(&[signal.exporter]) {
            Some((Listed::Nothing, origin)) => {
                return off(format!("{variable} is none"), origin);
            }
            Some((Listed::These(names), origin)) if names.is_empty() => {
                return off(format!("{variable} names no exporter of this version"), origin);
            }
            Some((Listed::These(names), origin)) => {
                return (names, format!("{variable} names an exporter"), origin);
            }
            None => {}
        }
        let otlp = |why: &str, origin| (vec![Exporter::Otlp], why.to_owned(), origin);
        if argued {
            otlp("an endpoint is configured", Origin::Argument)
        } else if let Some((_, origin)) = self.set(&[signal.endpoint, &OTEL_EXPORTER_OTLP_ENDPOINT])
        {
            otlp("an endpoint is configured", origin)
        } else if !(signal.foreign)(self.config).is_empty() {
            off("an exporter was given".to_owned(), Origin::Argument)
        } else if self.config.or_console {
            (vec![Exporter::Console], "or_console, and nothing else".to_owned(), Origin::Argument)
        } else if self.config.spec_defaults {
            otlp("the specification's default", Origin::Argument)
        } else {
            off("no endpoint and no exporter configured".to_owned(), Origin::Default)
        }
    }

    fn console(&mut self, signal: &Signal) -> ExporterPlan {
        let set = self.set(&[&NO_COLOR]);
        let no_color = set.is_some();
        let origin = set.map_or(Origin::Default, |((), origin)| origin);
        let name = format!("{}.console.no_color", signal.name);
        self.report.set(&name, no_color.to_string(), origin);
        ExporterPlan::Console { no_color }
    }

    /// `Err` is why the signal cannot leave by OTLP.
    pub(super) fn otlp(&mut self, signal: &Signal, argued: &Destination) -> Checked<OtlpPlan> {
        let name = |setting: &str| format!("{}.otlp.{setting}", signal.name);
        let protocols = [signal.protocol, &OTEL_EXPORTER_OTLP_PROTOCOL];
        let (protocol, protocol_origin) = self.set_or_default(&protocols);
        protocol.map_err(|why| format!("{protocol_origin}: {why}"))?;
        self.report.set(&name("protocol"), "http/protobuf", protocol_origin);

        let (url, origin) = self.url(signal, argued.base.as_ref());
        let url = url.map_err(|why| format!("{origin}: {why}"))?;
        self.report.set(&name("endpoint"), url::show(&url), origin);
        if url.port_u16() == Some(GRPC_PORT) && protocol_origin == Origin::Default {
            self.report.note(format!(
                "port {GRPC_PORT} is usually gRPC, but http/protobuf is sent; use port 4318, or set \
                 OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf if this is right"
            ));
        }

        let headers = self.headers(signal, &argued.headers);
        let timeout = self.setting(
            &name("timeout"),
            &[signal.timeout, &OTEL_EXPORTER_OTLP_TIMEOUT],
            milliseconds_or_none,
        );
        let gzip = self.setting(
            &name("compression"),
            &[signal.compression, &OTEL_EXPORTER_OTLP_COMPRESSION],
            |gzip| if *gzip { "gzip" } else { "none" }.to_owned(),
        );
        Ok(OtlpPlan { url, headers, timeout, gzip })
    }

    /// The signal's own variable is used as it is; everything else is a base.
    fn url(&mut self, signal: &Signal, base: Option<&Uri>) -> (Checked<Uri>, Origin) {
        if let Some(own) = self.set(&[signal.endpoint]) {
            return own;
        }
        let (base, origin) = match base {
            Some(base) => (Ok(base.clone()), Origin::Argument),
            None => self.set_or_default(&[&OTEL_EXPORTER_OTLP_ENDPOINT]),
        };
        (base.and_then(|base| url::below(&base, signal.path)), origin)
    }

    fn headers(&mut self, signal: &Signal, argued: &[Header]) -> Vec<Header> {
        let (mut headers, origin) = match self.set(&[signal.headers, &OTEL_EXPORTER_OTLP_HEADERS]) {
            Some(found) => found,
            None => (Vec::new(), Origin::Default),
        };
        headers.retain(|(name, _)| !argued.iter().any(|(other, _)| other == name));
        let setting = format!("{}.otlp.header", signal.name);
        for (list, origin) in [(headers.as_slice(), origin), (argued, Origin::Argument)] {
            for (name, _) in list {
                self.report.set(&setting, mask_header(name.as_str()), origin);
            }
        }
        headers.extend_from_slice(argued);
        headers
    }

    fn endpoint_argument(&mut self) -> Result<Option<Uri>, Error> {
        let Some(text) = &self.config.endpoint else {
            return Ok(None);
        };
        let mut complaints = Vec::new();
        let uri = url::check(text, &mut complaints)
            .map_err(|why| Error::argument("with_endpoint", &url::mask(text), why))?;
        self.complain("with_endpoint", complaints);
        Ok(Some(uri))
    }

    fn header_arguments(&self) -> Result<Vec<Header>, Error> {
        let check = |(name, value): &(String, String)| {
            parse::header(name, value.as_bytes()).map_err(|why| {
                let remedy = format!("{why}; correct it or leave it out");
                Error::argument("with_header", &mask_header(name), &remedy)
            })
        };
        self.config.headers.iter().map(check).collect()
    }
}
