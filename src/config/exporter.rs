//! Where a signal goes: which exporters, which endpoint, which headers.

use http::Uri;
use http::uri::Scheme;

use super::endpoint::Endpoint;
use super::parse::{self, Asked, Checked, Exporter, Header, Listed, mask_header};
use super::plan::{ExporterPlan, OtlpPlan};
use super::report::Origin;
use super::resolve::{Resolver, milliseconds_or_none};
use super::signal::Signal;
use super::url;
use super::variables::*;
use crate::error::Error;
use crate::tls::Certificates;

const GRPC_PORT: u16 = 4317;

/// What arguments say about every signal's destination, checked.
pub(super) struct Destination {
    pub(super) base: Option<Endpoint>,
    headers: Vec<Header>,
    pub(super) certificates: Certificates,
    /// The endpoint stands over every variable, also over a signal's own.
    pub(super) is_first: bool,
}

impl Resolver<'_> {
    /// Arguments are checked whatever the environment makes of them; `is_capnp` where nothing else than
    /// Cap'n Proto can be meant.
    pub(super) fn destination(&mut self, is_capnp: bool) -> Result<Destination, Error> {
        let base = self.endpoint_argument(is_capnp)?;
        let (headers, certificates) = (self.header_arguments()?, self.certificate_arguments()?);
        Ok(Destination { base, headers, certificates, is_first: false })
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
                let (chosen, why, origin) = self.choose(signal, argued);
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
        let chosen = chosen.unwrap_or_default();
        let both = [Exporter::Otlp, Exporter::Capnp].iter().all(|each| chosen.contains(each));
        let mut failure = None;
        for exporter in chosen {
            let planned = match exporter {
                Exporter::Console => Ok(self.console(signal)),
                Exporter::Otlp => self.otlp(signal, argued, both).map(ExporterPlan::Otlp),
                Exporter::Capnp => self.capnp(signal, argued, both).map(ExporterPlan::Capnp),
                Exporter::File => self.file(signal).map(ExporterPlan::File),
                Exporter::Stdout => Ok(self.stdout(signal)),
                Exporter::Prometheus => self.prometheus(signal).map(ExporterPlan::Prometheus),
            };
            match planned {
                Ok(plan) => exporters.push(plan),
                Err(reason) => {
                    self.report.note(reason.clone());
                    failure = Some(reason);
                }
            }
        }
        // With another exporter beside it the signal stays on.
        if let Some(reason) = failure.filter(|_| exporters.is_empty()) {
            why = reason;
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
    fn choose(&mut self, signal: &Signal, argued: &Destination) -> (Vec<Exporter>, String, Origin) {
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
        if let Some((endpoint, origin)) = self.nearest(signal, argued, |_| true) {
            let exporter = if endpoint.is_capnp() { Exporter::Capnp } else { Exporter::Otlp };
            (vec![exporter], "an endpoint is configured".to_owned(), origin)
        } else if !(signal.foreign)(self.config).is_empty() {
            off("an exporter was given".to_owned(), Origin::Argument)
        } else if self.config.or_console {
            (vec![Exporter::Console], "or_console, and nothing else".to_owned(), Origin::Argument)
        } else if self.config.spec_defaults {
            (vec![Exporter::Otlp], "the specification's default".to_owned(), Origin::Argument)
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

    /// The endpoint that counts for an exporter. Where OTLP and Cap'n Proto stand beside each other, each
    /// takes what its scheme says is its own.
    pub(super) fn endpoint(
        &mut self,
        signal: &Signal,
        argued: &Destination,
        of: Exporter,
        is_one_of_two: bool,
    ) -> Option<(Endpoint, Origin)> {
        self.nearest(signal, argued, |endpoint| {
            !is_one_of_two || endpoint.is_capnp() == (of == Exporter::Capnp)
        })
    }

    /// The signal's own variable, the argument, the general variable: the first that will do.
    fn nearest(
        &mut self,
        signal: &Signal,
        argued: &Destination,
        will_do: impl Fn(&Endpoint) -> bool,
    ) -> Option<(Endpoint, Origin)> {
        let own = self.set(&[signal.endpoint]).filter(|(endpoint, _)| will_do(endpoint));
        let argument = argued.base.iter().find(|endpoint| will_do(endpoint));
        own.filter(|_| !argued.is_first || argument.is_none())
            .or_else(|| argument.map(|endpoint| (endpoint.clone(), Origin::Argument)))
            .or_else(|| {
                self.set(&[&OTEL_EXPORTER_OTLP_ENDPOINT]).filter(|(endpoint, _)| will_do(endpoint))
            })
    }

    /// `Err` is why the signal cannot leave by OTLP.
    pub(super) fn otlp(
        &mut self,
        signal: &Signal,
        argued: &Destination,
        beside_capnp: bool,
    ) -> Checked<OtlpPlan> {
        let name = |setting: &str| format!("{}.otlp.{setting}", signal.name);
        let protocols = [signal.protocol, &OTEL_EXPORTER_OTLP_PROTOCOL];
        let (protocol, protocol_origin) = self.set_or_default(&protocols);
        let encoding = protocol.map_err(|why| format!("{protocol_origin}: {why}"))?;
        self.report.set(&name("protocol"), encoding.to_string(), protocol_origin);

        let (url, origin) = self.url(signal, argued, beside_capnp);
        let url = url.map_err(|why| format!("{origin}: {why}"))?;
        self.report.set(&name("endpoint"), url::show(&url), origin);
        if url.port_u16() == Some(GRPC_PORT) && protocol_origin == Origin::Default {
            self.report.note(format!(
                "port {GRPC_PORT} is usually gRPC, but http/protobuf is sent; use port 4318, or set \
                 OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf if this is right"
            ));
        }

        let headers = self.headers(signal, argued);
        for ((header, _), origin) in &headers {
            self.report.set(&name("header"), mask_header(header.as_str()), *origin);
        }
        let timeout = self.setting(
            &name("timeout"),
            &[signal.timeout, &OTEL_EXPORTER_OTLP_TIMEOUT],
            milliseconds_or_none,
        );
        let compressions = [signal.compression, &OTEL_EXPORTER_OTLP_COMPRESSION];
        let (asked, origin) = self.set_or_default(&compressions);
        if asked == Asked::Zstd && !beside_capnp {
            let remedy = "use gzip, none, or leave it out";
            self.report
                .note(format!("{origin}: zstd is for Cap'n Proto, and OTLP is sent; {remedy}"));
        }
        let gzip = asked == Asked::Gzip;
        self.report.set(&name("compression"), if gzip { "gzip" } else { "none" }, origin);
        let headers = headers.into_iter().map(|(header, _)| header).collect();
        let is_secure = url.scheme() == Some(&Scheme::HTTPS);
        let name = format!("{}.otlp", signal.name);
        let certificates = self.certificates(&name, signal, argued, is_secure)?;
        Ok(OtlpPlan { url, headers, timeout, gzip, encoding, certificates })
    }

    /// The signal's own variable is used as it is; everything else is a base.
    fn url(
        &mut self,
        signal: &Signal,
        argued: &Destination,
        beside_capnp: bool,
    ) -> (Checked<Uri>, Origin) {
        let found = self.endpoint(signal, argued, Exporter::Otlp, beside_capnp);
        let (endpoint, origin) = found.unwrap_or_else(|| {
            let general = &OTEL_EXPORTER_OTLP_ENDPOINT;
            (Endpoint::read(general.default, &mut Vec::new()), Origin::Default)
        });
        if origin == Origin::Variable(signal.endpoint.name) {
            return (endpoint.url(), origin);
        }
        (endpoint.url().and_then(|base| url::below(&base, signal.path)), origin)
    }

    /// Arguments over variables, each name once.
    pub(super) fn headers(
        &mut self,
        signal: &Signal,
        argued: &Destination,
    ) -> Vec<(Header, Origin)> {
        let set = self.set(&[signal.headers, &OTEL_EXPORTER_OTLP_HEADERS]);
        let (mut of_variable, origin) = set.unwrap_or((Vec::new(), Origin::Default));
        of_variable.retain(|(name, _)| !argued.headers.iter().any(|(other, _)| other == name));
        let of_variable = of_variable.into_iter().map(|header| (header, origin));
        let of_argument = argued.headers.iter().map(|header| (header.clone(), Origin::Argument));
        of_variable.chain(of_argument).collect()
    }

    /// It has to suit an exporter that could be meant.
    fn endpoint_argument(&mut self, is_capnp: bool) -> Result<Option<Endpoint>, Error> {
        let Some(text) = &self.config.endpoint else {
            return Ok(None);
        };
        let mut complaints = Vec::new();
        let endpoint = Endpoint::read(text, &mut complaints);
        self.complain("with_endpoint", complaints);
        let named =
            [&OTEL_TRACES_EXPORTER, &OTEL_METRICS_EXPORTER, &OTEL_LOGS_EXPORTER].map(|variable| {
                match self.set(&[variable]) {
                    Some((Listed::These(names), _)) => names.contains(&Exporter::Capnp),
                    _ => false,
                }
            });
        let of_capnp = is_capnp || endpoint.is_capnp() || named.contains(&true);
        let fault = match (&endpoint.url, &endpoint.target) {
            (Err(_), Err(why)) if of_capnp => why,
            (Err(why), _) if !of_capnp => why,
            _ => return Ok(Some(endpoint)),
        };
        Err(Error::argument("with_endpoint", &endpoint.shown, fault))
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
