//! What a sink is made from.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use crate::config::plan::{Coding, OtlpPlan, Protocol, Route};
use crate::config::{check_url, show_url, url_below};
use crate::receive::Error;
use crate::receive::counts::Signal;
use crate::tls::{self, Certificates, PemFile};

/// What may wait for one sink.
const QUEUE_BYTES: usize = 64 * 1024 * 1024;
/// Requests that a collector is sent at once.
const LANES: usize = 4;
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long a trace may be silent before it is drawn.
const QUIET: Duration = Duration::from_secs(2);

/// Where a receiver sends what it takes.
///
/// A collector and a directory are *required*: a batch is taken only if there is room for it in
/// their queues, and the durability `forwarded` waits for them. The console is not: what it cannot take is
/// dropped and counted.
#[derive(Clone)]
#[must_use]
pub struct Sink {
    target: Target,
    is_required: bool,
    queue_bytes: usize,
    headers: Vec<(String, String)>,
    gzip: bool,
    certificate: Option<PathBuf>,
    timeout: Duration,
    quiet: Duration,
}

#[derive(Clone, Debug)]
enum Target {
    Forward(String),
    File(PathBuf),
    Console { color: bool },
    Counting,
}

impl Sink {
    /// OTLP over HTTP to a collector, or to anything that speaks it; `/v1/<signal>` is appended. With
    /// the feature `tls` it may be `https://`.
    pub fn forward(endpoint: &str) -> Self {
        Self::new(Target::Forward(endpoint.to_owned()), true)
    }

    /// OTLP as JSON lines, appended to `traces.jsonl`, `metrics.jsonl` and `logs.jsonl` of a directory,
    /// which is made if there is none.
    pub fn files(directory: impl Into<PathBuf>) -> Self {
        Self::new(Target::File(directory.into()), true)
    }

    /// Text on standard output: traces as trees across processes, tables of metrics, lines of logs.
    pub fn console(color: bool) -> Self {
        Self::new(Target::Console { color }, false)
    }

    /// Nowhere: every field is read, the items are counted, and that is all. It shows what a receiver can
    /// take, and that what was sent has arrived. As a collector it is required.
    pub fn counting() -> Self {
        Self::new(Target::Counting, true)
    }

    fn new(target: Target, is_required: bool) -> Self {
        Self {
            target,
            is_required,
            queue_bytes: QUEUE_BYTES,
            headers: Vec::new(),
            gzip: false,
            certificate: None,
            timeout: TIMEOUT,
            quiet: QUIET,
        }
    }

    /// A header on every request of a collector's; its value is never shown.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Whether requests from 1 KiB on are compressed with gzip.
    pub fn with_gzip(mut self, on: bool) -> Self {
        self.gzip = on;
        self
    }

    /// The authorities that TLS to a collector trusts, a file in PEM form; those of the system otherwise.
    pub fn with_certificate(mut self, path: impl Into<PathBuf>) -> Self {
        self.certificate = Some(path.into());
        self
    }

    /// How long one request may take; 10 s by default.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How many bytes may wait for it; 64 MiB by default.
    pub fn with_queue_bytes(mut self, bytes: usize) -> Self {
        self.queue_bytes = bytes;
        self
    }

    /// How long a trace has to be silent before the console draws it; 2 s by default, and five times that
    /// where spans that others name are missing.
    pub fn with_quiet(mut self, quiet: Duration) -> Self {
        self.quiet = quiet;
        self
    }

    /// Whether a batch is taken only if this sink has room for it.
    pub fn required(mut self, on: bool) -> Self {
        self.is_required = on;
        self
    }

    pub(in crate::receive) fn plan(&self) -> Result<SinkPlan, Error> {
        if self.queue_bytes == 0 {
            return Err(Error::setting(
                "with_queue_bytes",
                "0",
                "nothing could wait; 1 is the least",
            ));
        }
        let (name, kind) = match &self.target {
            Target::Forward(endpoint) => self.forwarding(endpoint)?,
            Target::File(directory) => {
                (directory.display().to_string(), Kind::File(directory.clone()))
            }
            Target::Counting => ("the count".to_owned(), Kind::Counting),
            Target::Console { color } => {
                ("the console".to_owned(), Kind::Console { quiet: self.quiet, color: *color })
            }
        };
        let (is_required, queue_bytes) = (self.is_required, self.queue_bytes);
        Ok(SinkPlan { name, is_required, queue_bytes, kind })
    }

    fn forwarding(&self, endpoint: &str) -> Result<(String, Kind), Error> {
        let refuse = |remedy: &str| Error::setting("forward", &mask(endpoint), remedy);
        let scheme = endpoint.split(':').next().unwrap_or_default().trim();
        let is_http = ["http", "https"].iter().any(|http| scheme.eq_ignore_ascii_case(http));
        if !is_http && (endpoint.contains("://") || scheme.eq_ignore_ascii_case("capnp+unix")) {
            // An endpoint of the exporters may have other schemes, and their remedy names them.
            return Err(refuse(
                "a receiver forwards by OTLP over HTTP alone; write it as http://host:4318",
            ));
        }
        let mut complaints = Vec::new();
        let base = check_url(endpoint, &mut complaints).map_err(refuse)?;
        if let Some(complaint) = complaints.first() {
            return Err(refuse(complaint));
        }
        let mut headers = Vec::new();
        for (name, value) in &self.headers {
            let header: HeaderName = name
                .parse()
                .map_err(|_| Error::setting("with_header", name, "not the name of a header"))?;
            let value = HeaderValue::from_str(value).map_err(|_| {
                Error::setting("with_header", name, "its value has control characters")
            })?;
            headers.push((header, value));
        }
        let roots = self.certificate.as_ref().map(|path| PemFile::new("with_certificate", path));
        let certificates = Certificates { setting: "with_certificate", roots, identity: None };
        if certificates.roots.is_some() {
            tls::check(&certificates).map_err(Error::failed)?;
        }
        let mut plans = Vec::new();
        for signal in Signal::ALL {
            let url = url_below(&base, &format!("/v1/{}", signal.name()));
            plans.push(OtlpPlan {
                url: url.map_err(|why| refuse(&why))?,
                headers: headers.clone(),
                timeout: (!self.timeout.is_zero()).then_some(self.timeout),
                route: Route::Direct,
                coding: if self.gzip { Coding::Gzip } else { Coding::Identity },
                certificates: certificates.clone(),
                protocol: Protocol::HttpProtobuf,
            });
        }
        match <[OtlpPlan; 3]>::try_from(plans) {
            Ok(plans) => Ok((show_url(&base), Kind::Forward(Box::new(plans)))),
            Err(_) => Err(refuse("not a URL")),
        }
    }
}

/// What may be a secret is left out.
fn mask(endpoint: &str) -> String {
    let place = endpoint.rsplit_once('@').map_or(endpoint, |(_, place)| place);
    place.split('?').next().unwrap_or_default().to_owned()
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink").field("is_required", &self.is_required).finish_non_exhaustive()
    }
}

/// A sink, checked.
#[derive(Clone, Debug)]
pub(in crate::receive) struct SinkPlan {
    /// As it may be shown.
    pub(in crate::receive) name: String,
    pub(in crate::receive) is_required: bool,
    pub(in crate::receive) queue_bytes: usize,
    pub(in crate::receive) kind: Kind,
}

#[derive(Clone, Debug)]
pub(in crate::receive) enum Kind {
    Forward(Box<[OtlpPlan; 3]>),
    File(PathBuf),
    Console { quiet: Duration, color: bool },
    Counting,
}

impl SinkPlan {
    /// How many serve its queue at once.
    pub(in crate::receive) fn lanes(&self) -> usize {
        if self.wants_otlp() { LANES } else { 1 }
    }

    pub(in crate::receive) fn wants_otlp(&self) -> bool {
        matches!(self.kind, Kind::Forward(_))
    }
}
