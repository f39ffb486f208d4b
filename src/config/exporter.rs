//! Where a signal goes: which exporters, which endpoint, which headers.

use std::path::PathBuf;

use http::Uri;
use http::uri::Scheme;

use super::endpoint::Endpoint;
use super::parse::{self, Asked, Checked, Exporter, Header, Listed, mask_header};
use super::plan::{Coding, ExporterPlan, OtlpPlan, Protocol};
use super::report::Origin;
use super::resolve::{Resolver, milliseconds_or_none};
use super::signal::Signal;
use super::url;
use super::variables::*;
use crate::error::Error;
use crate::export::HAS_ZSTD;
use crate::tls::Certificates;

const HTTP_PORT: u16 = 4318;
const GRPC_PORT: u16 = 4317;

/// Where a collector listens for gRPC when nothing else is said.
const GRPC_HOME: &str = "http://localhost:4317";

/// What arguments say about every signal's destination, checked.
pub(super) struct Destination {
    pub(super) base: Option<Endpoint>,
    headers: Vec<Header>,
    protocol: Option<Protocol>,
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
        let protocol = self.protocol_argument()?;
        Ok(Destination { base, headers, protocol, certificates, is_first: false })
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
        if let Some(why) = &self.broken {
            return Some((why.clone(), Origin::Variable(OTEL_CONFIG_FILE.name)));
        }
        let (disabled, origin) = self.set_or_default(&[&OTEL_SDK_DISABLED]);
        if disabled {
            let why = match origin {
                Origin::File(..) => format!("{origin}: disabled is true"),
                _ => "OTEL_SDK_DISABLED is true".to_owned(),
            };
            return Some((why, origin));
        }
        let is_off = (signal.argument)(self.config) == Some(false);
        is_off.then(|| (format!("switched off by with_{}(false)", signal.name), Origin::Argument))
    }

    /// Which exporters of our own, why these, and who said so.
    fn choose(&mut self, signal: &Signal, argued: &Destination) -> (Vec<Exporter>, String, Origin) {
        let off = |why: String, origin| (Vec::new(), why, origin);
        let variable = signal.exporter.name;
        match self.set(&[signal.exporter]) {
            Some((Listed::Nothing, origin @ Origin::File(..))) => {
                return off("OTEL_CONFIG_FILE has no exporter for it".to_owned(), origin);
            }
            Some((Listed::Nothing, origin)) => {
                return off(format!("{variable} is none"), origin);
            }
            Some((Listed::These(names), origin)) if names.is_empty() => {
                return off(format!("{variable} names no exporter of this version"), origin);
            }
            Some((Listed::These(names), origin @ Origin::File(..))) => {
                return (names, "OTEL_CONFIG_FILE has an exporter for it".to_owned(), origin);
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
        if let Some(why) = &self.broken {
            return Err(why.clone());
        }
        let name = |setting: &str| format!("{}.otlp.{setting}", signal.name);
        let (protocol, protocol_origin) = self.protocol(signal, argued)?;
        self.report.set(&name("protocol"), protocol.to_string(), protocol_origin);

        let ((url, socket), origin) = self.place(signal, argued, beside_capnp, protocol)?;
        let is_secure = url.scheme() == Some(&Scheme::HTTPS);
        let route = self.route(&name("proxy"), &url, socket)?;

        let headers = self.headers(signal, argued);
        let shown: Vec<_> = headers
            .iter()
            .map(|((header, _), origin)| (mask_header(header.as_str()), *origin))
            .collect();
        let headers = headers.into_iter().map(|(header, _)| header).collect();
        let mut plan = OtlpPlan {
            url,
            route,
            headers,
            timeout: None,
            coding: Coding::Identity,
            certificates: Certificates::default(),
            protocol,
        };
        self.report.set(&name("endpoint"), plan.to_string(), origin);
        self.note_port(&plan, protocol_origin);
        for (header, origin) in shown {
            self.report.set(&name("header"), header, origin);
        }
        plan.timeout = self.setting(
            &name("timeout"),
            &[signal.timeout, &OTEL_EXPORTER_OTLP_TIMEOUT],
            milliseconds_or_none,
        );
        let (coding, origin) = self.coding(signal);
        plan.coding = coding;
        self.report.set(&name("compression"), coding.to_string(), origin);
        let name = format!("{}.otlp", signal.name);
        plan.certificates = self.certificates(&name, signal, argued, is_secure)?;
        Ok(plan)
    }

    /// The argument over the variables.
    fn protocol(&mut self, signal: &Signal, argued: &Destination) -> Checked<(Protocol, Origin)> {
        if let Some(protocol) = argued.protocol {
            return Ok((protocol, Origin::Argument));
        }
        let (protocol, origin) =
            self.set_or_default(&[signal.protocol, &OTEL_EXPORTER_OTLP_PROTOCOL]);
        let protocol = protocol.map_err(|why| format!("{origin}: {why}"))?;
        Ok((protocol, origin))
    }

    fn note_port(&mut self, plan: &OtlpPlan, protocol: Origin) {
        match (plan.protocol, plan.url.port_u16()) {
            (Protocol::Grpc, Some(HTTP_PORT)) => self.report.note(format!(
                "port {HTTP_PORT} is usually OTLP over HTTP, but gRPC is sent; use port {GRPC_PORT}, or \
                 OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
            )),
            (Protocol::HttpProtobuf, Some(GRPC_PORT)) if protocol == Origin::Default => {
                self.report.note(format!(
                    "port {GRPC_PORT} is usually gRPC, but http/protobuf is sent; use port {HTTP_PORT}, or set \
                     OTEL_EXPORTER_OTLP_PROTOCOL=grpc, or http/protobuf if this is right"
                ));
            }
            _ => {}
        }
    }

    fn coding(&mut self, signal: &Signal) -> (Coding, Origin) {
        let compressions = [signal.compression, &OTEL_EXPORTER_OTLP_COMPRESSION];
        let (asked, origin) = self.set_or_default(&compressions);
        let coding = match asked {
            Asked::None => Coding::Identity,
            Asked::Gzip => Coding::Gzip,
            Asked::Zstd if HAS_ZSTD => Coding::Zstd,
            Asked::Zstd => {
                let remedy = "this build has no zstd, which is the feature `zstd`";
                self.report.note(format!("{origin}: {remedy}; nothing is compressed"));
                Coding::Identity
            }
        };
        (coding, origin)
    }

    /// The URL, and the socket where there is one. Over HTTP the signal's own variable is used as it is, and
    /// everything else is a base; gRPC has no paths.
    fn place(
        &mut self,
        signal: &Signal,
        argued: &Destination,
        beside_capnp: bool,
        protocol: Protocol,
    ) -> Checked<((Uri, Option<PathBuf>), Origin)> {
        let found = self.endpoint(signal, argued, Exporter::Otlp, beside_capnp);
        let is_grpc = protocol == Protocol::Grpc;
        let (endpoint, origin) = found.unwrap_or_else(|| {
            let default = if is_grpc { GRPC_HOME } else { OTEL_EXPORTER_OTLP_ENDPOINT.default };
            (Endpoint::read(default, &mut Vec::new()), Origin::Default)
        });
        let named = |why: String| format!("{origin}: {why}");
        let url = if is_grpc {
            let is_insecure = self.is_insecure(signal, &endpoint);
            let base = endpoint.grpc_url(is_insecure).map_err(named)?;
            if !matches!(base.path(), "" | "/") || base.query().is_some() {
                self.report.note(format!("{origin}: gRPC has no paths; end it after the port"));
            }
            url::of_service(&base, signal.service).map_err(named)?
        } else {
            self.note_insecure(signal, "it is about gRPC, which is not sent");
            let base = endpoint.url().map_err(named)?;
            let is_own = origin.variable() == Some(signal.endpoint.name);
            // A socket says nothing of the path over it.
            let is_whole = is_own && (endpoint.socket.is_none() || base.path() != "/");
            match is_whole {
                true => base,
                false => url::below(&base, signal.path).map_err(named)?,
            }
        };
        Ok(((url, endpoint.socket), origin))
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
            (Err(_), _) if endpoint.is_bare() && self.may_be_grpc()? => return Ok(Some(endpoint)),
            (Err(why), _) if !of_capnp => why,
            _ => return Ok(Some(endpoint)),
        };
        Err(Error::argument("with_endpoint", &endpoint.shown, fault))
    }

    /// Some signal's protocol is gRPC, which takes host and port without a scheme.
    fn may_be_grpc(&mut self) -> Result<bool, Error> {
        if let Some(protocol) = self.protocol_argument()? {
            return Ok(protocol == Protocol::Grpc);
        }
        let protocols = [
            &OTEL_EXPORTER_OTLP_PROTOCOL,
            &OTEL_EXPORTER_OTLP_TRACES_PROTOCOL,
            &OTEL_EXPORTER_OTLP_METRICS_PROTOCOL,
            &OTEL_EXPORTER_OTLP_LOGS_PROTOCOL,
        ];
        let set = protocols.map(|variable| self.set(&[variable]).map(|(protocol, _)| protocol));
        Ok(set.contains(&Some(Ok(Protocol::Grpc))))
    }

    fn protocol_argument(&self) -> Result<Option<Protocol>, Error> {
        let Some(text) = &self.config.protocol else { return Ok(None) };
        let protocol = parse::protocol(text, &mut Vec::new()).transpose();
        protocol.map_err(|why| Error::in_argument(format!("with_protocol: {why}")))
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
