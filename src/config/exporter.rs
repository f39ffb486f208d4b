//! Where spans go: which exporters, which endpoint, which headers.

use http::Uri;

use super::parse::{self, Checked, Exporter, Header, Listed, mask_header};
use super::plan::{ExporterPlan, OtlpPlan, TracesPlan};
use super::report::Origin;
use super::resolve::{Resolver, milliseconds_or_none};
use super::url;
use super::variables::*;
use crate::error::Error;

const GRPC_PORT: u16 = 4317;

impl Resolver<'_> {
    pub(super) fn traces(&mut self) -> Result<TracesPlan, Error> {
        // Arguments are checked whatever the environment makes of them.
        let base = self.endpoint_argument()?;
        let headers = self.header_arguments()?;

        let (chosen, mut why, origin) = self.choose(base.is_some());
        let mut exporters = Vec::new();
        let mut failure = None;
        for exporter in chosen {
            match exporter {
                Exporter::Console => exporters.push(self.console()),
                Exporter::Otlp => match self.otlp(base.as_ref(), &headers) {
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
        self.report.set("traces", format!("{state}: {why}"), origin);
        let batch = self.batch();
        Ok(TracesPlan { exporters, why, batch })
    }

    /// Which exporters, why these, and who said so.
    fn choose(&mut self, endpoint_argument: bool) -> (Vec<Exporter>, String, Origin) {
        let off = |why: &str, origin| (Vec::new(), why.to_owned(), origin);
        let (disabled, origin) = self.set_or_default(&[&OTEL_SDK_DISABLED]);
        let named = self.set(&[&OTEL_TRACES_EXPORTER]);
        if disabled {
            return off("OTEL_SDK_DISABLED is true", origin);
        }
        if self.config.traces == Some(false) {
            return off("switched off by with_traces(false)", Origin::Argument);
        }
        match named {
            Some((Listed::Nothing, origin)) => {
                return off("OTEL_TRACES_EXPORTER is none", origin);
            }
            Some((Listed::These(names), origin)) if names.is_empty() => {
                return off("OTEL_TRACES_EXPORTER names no exporter of this version", origin);
            }
            Some((Listed::These(names), origin)) => {
                return (names, "OTEL_TRACES_EXPORTER names an exporter".to_owned(), origin);
            }
            None => {}
        }
        let otlp = |why: &str, origin| (vec![Exporter::Otlp], why.to_owned(), origin);
        let endpoints = [&OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, &OTEL_EXPORTER_OTLP_ENDPOINT];
        if endpoint_argument {
            otlp("an endpoint is configured", Origin::Argument)
        } else if let Some((_, origin)) = self.set(&endpoints) {
            otlp("an endpoint is configured", origin)
        } else if self.config.or_console {
            (vec![Exporter::Console], "or_console, and nothing else".to_owned(), Origin::Argument)
        } else if self.config.spec_defaults {
            otlp("the specification's default", Origin::Argument)
        } else {
            off("no endpoint and no exporter configured", Origin::Default)
        }
    }

    fn console(&mut self) -> ExporterPlan {
        let set = self.set(&[&NO_COLOR]);
        let no_color = set.is_some();
        let origin = set.map_or(Origin::Default, |((), origin)| origin);
        self.report.set("traces.console.no_color", no_color.to_string(), origin);
        ExporterPlan::Console { no_color }
    }

    /// `Err` is why spans cannot leave by OTLP.
    fn otlp(&mut self, base: Option<&Uri>, argued: &[Header]) -> Checked<OtlpPlan> {
        let protocols = [&OTEL_EXPORTER_OTLP_TRACES_PROTOCOL, &OTEL_EXPORTER_OTLP_PROTOCOL];
        let (protocol, protocol_origin) = self.set_or_default(&protocols);
        protocol.map_err(|why| format!("{protocol_origin}: {why}"))?;
        self.report.set("traces.otlp.protocol", "http/protobuf", protocol_origin);

        let (url, origin) = self.traces_url(base);
        let url = url.map_err(|why| format!("{origin}: {why}"))?;
        self.report.set("traces.otlp.endpoint", url::show(&url), origin);
        if url.port_u16() == Some(GRPC_PORT) && protocol_origin == Origin::Default {
            self.report.note(format!(
                "port {GRPC_PORT} is usually gRPC, but http/protobuf is sent; use port 4318, or set \
                 OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf if this is right"
            ));
        }

        let headers = self.headers(argued);
        let timeouts = [&OTEL_EXPORTER_OTLP_TRACES_TIMEOUT, &OTEL_EXPORTER_OTLP_TIMEOUT];
        let timeout = self.setting("traces.otlp.timeout", &timeouts, milliseconds_or_none);
        let gzip = self.setting(
            "traces.otlp.compression",
            &[&OTEL_EXPORTER_OTLP_TRACES_COMPRESSION, &OTEL_EXPORTER_OTLP_COMPRESSION],
            |gzip| if *gzip { "gzip" } else { "none" }.to_owned(),
        );
        Ok(OtlpPlan { url, headers, timeout, gzip })
    }

    /// The signal's own variable is used as it is; everything else is a base.
    fn traces_url(&mut self, base: Option<&Uri>) -> (Checked<Uri>, Origin) {
        if let Some(own) = self.set(&[&OTEL_EXPORTER_OTLP_TRACES_ENDPOINT]) {
            return own;
        }
        let (base, origin) = match base {
            Some(base) => (Ok(base.clone()), Origin::Argument),
            None => self.set_or_default(&[&OTEL_EXPORTER_OTLP_ENDPOINT]),
        };
        (base.and_then(|base| url::below(&base, "/v1/traces")), origin)
    }

    fn headers(&mut self, argued: &[Header]) -> Vec<Header> {
        let variables = [&OTEL_EXPORTER_OTLP_TRACES_HEADERS, &OTEL_EXPORTER_OTLP_HEADERS];
        let (mut headers, origin) = match self.set(&variables) {
            Some(found) => found,
            None => (Vec::new(), Origin::Default),
        };
        headers.retain(|(name, _)| !argued.iter().any(|(other, _)| other == name));
        for (list, origin) in [(headers.as_slice(), origin), (argued, Origin::Argument)] {
            for (name, _) in list {
                self.report.set("traces.otlp.header", mask_header(name.as_str()), origin);
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
