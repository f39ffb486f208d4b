//! From what an exporter says to a sentence that says what to do.

use super::finding::{Cause, Finding};
use super::probe::Spoken;
use crate::config::plan::{ExporterPlan, Protocol, Route, Target};
use crate::export::{HAS_GRPC, Outcome};

/// What a destination was sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sent {
    Http,
    Grpc,
    Capnp,
    /// To a file.
    Lines,
}

impl Sent {
    const fn name(self) -> &'static str {
        match self {
            Self::Http => "OTLP over HTTP/1.1",
            Self::Grpc => "OTLP over gRPC",
            Self::Capnp | Self::Lines => "Cap'n Proto",
        }
    }

    fn of(plan: &ExporterPlan) -> Self {
        match plan {
            ExporterPlan::Otlp(otlp) if otlp.protocol == Protocol::Grpc => Self::Grpc,
            ExporterPlan::Otlp(_) => Self::Http,
            ExporterPlan::File(_) => Self::Lines,
            _ => Self::Capnp,
        }
    }
}

/// What an exporter's error begins with, or holds, and what that means.
const CAUSES: [(&str, Cause); 26] = [
    ("the proxy", Cause::Proxy),
    ("cannot look up the host", Cause::Name),
    ("does not speak TLS", Cause::NoTls),
    ("TLS: ", Cause::Tls),
    ("Connection refused", Cause::NothingListens),
    ("No such file or directory", Cause::NothingListens),
    ("unreachable", Cause::Unreachable),
    ("no connection within", Cause::Unreachable),
    ("answered 401", Cause::Unauthorized),
    ("answered 403", Cause::Unauthorized),
    ("unauthorized", Cause::Unauthorized),
    ("answered UNAUTHENTICATED", Cause::Unauthorized),
    ("answered PERMISSION_DENIED", Cause::Unauthorized),
    ("answered UNIMPLEMENTED", Cause::Path),
    ("answered UNAVAILABLE", Cause::Busy),
    ("answered RESOURCE_EXHAUSTED", Cause::Busy),
    // Also where something that is no gRPC says so.
    ("which is no gRPC", Cause::SpeaksOther),
    ("answered 404", Cause::Path),
    ("answered 405", Cause::Path),
    ("redirects are not followed", Cause::Path),
    ("answered 429", Cause::Busy),
    ("answered 503", Cause::Busy),
    ("not now", Cause::Busy),
    ("it answered as HTTP does", Cause::SpeaksHttp),
    ("it answered as TLS does", Cause::SpeaksTls),
    ("answered ", Cause::Refused),
];

/// A signal that has no exporter.
pub(super) fn off(signal: &'static str, why: &str, said: &[String]) -> Finding {
    let is_fault = said.iter().any(|line| line == why) || why.ends_with("of this version");
    let cause = if is_fault { Cause::Unusable } else { Cause::Off };
    let sentence = format!("off: {why}");
    Finding { signal, destination: String::new(), cause, sentence }
}

/// A destination that no item is sent to.
pub(super) fn not_tried(signal: &'static str, plan: &ExporterPlan) -> Finding {
    let sentence = match plan {
        ExporterPlan::Prometheus(_) => "not tried: it is fetched from a host that runs",
        ExporterPlan::Foreign(_) => "not tried: the exporter is the host's own",
        _ => "not tried: the process prints it itself",
    };
    let (destination, sentence) = (plan.to_string(), sentence.to_owned());
    Finding { signal, destination, cause: Cause::NotTried, sentence }
}

/// Whom to ask what it speaks; what is reached through something else cannot be asked.
pub(super) fn address(plan: &ExporterPlan) -> Option<(String, u16)> {
    match plan {
        ExporterPlan::Otlp(otlp) if otlp.route != Route::Direct => None,
        _ => place(plan),
    }
}

fn place(plan: &ExporterPlan) -> Option<(String, u16)> {
    match plan {
        ExporterPlan::Otlp(otlp) => {
            let host = otlp.url.host()?;
            let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
            let usual = if is_secure(plan) { 443 } else { 80 };
            let port = otlp.url.port_u16().unwrap_or(usual);
            Some((bare.unwrap_or(host).to_owned(), port))
        }
        ExporterPlan::Capnp(capnp) => match &capnp.target {
            Target::Tcp { host, port } | Target::Tls { host, port } => Some((host.clone(), *port)),
            Target::Unix(_) => None,
        },
        _ => None,
    }
}

fn is_secure(plan: &ExporterPlan) -> bool {
    match plan {
        ExporterPlan::Otlp(otlp) => otlp.url.scheme() == Some(&http::uri::Scheme::HTTPS),
        ExporterPlan::Capnp(capnp) => matches!(capnp.target, Target::Tls { .. }),
        _ => false,
    }
}

/// Whether what it speaks would explain it: it listens, and gave no answer.
pub(super) fn is_puzzling(plan: &ExporterPlan, outcome: &Outcome) -> bool {
    // Over TLS it cannot be asked without.
    if is_secure(plan) {
        return false;
    }
    let (Outcome::Retry { error, .. } | Outcome::Refused { error }) = outcome else { return false };
    matches!(cause_of(error), Cause::Other | Cause::Timeout | Cause::SpeaksTls)
}

/// The finding.
pub(super) fn read(
    signal: &'static str,
    plan: &ExporterPlan,
    outcome: &Outcome,
    spoken: Option<Spoken>,
) -> Finding {
    let destination = plan.to_string();
    let (cause, sentence) = match outcome {
        Outcome::Delivered { rejected: 0, message: None } => (Cause::Arrived, "arrived".to_owned()),
        Outcome::Delivered { rejected: 0, message: Some(message) } => {
            (Cause::Arrived, format!("arrived, and the other side says: {message}"))
        }
        Outcome::Delivered { message, .. } => {
            let words = message.as_deref().unwrap_or("no reason is given");
            (Cause::Refused, format!("it answered, but refused the item: {words}"))
        }
        Outcome::Retry { error, .. }
        | Outcome::Refused { error }
        | Outcome::Unconfirmed { error }
        | Outcome::TooLarge { error } => failed(signal, plan, error, spoken),
    };
    Finding { signal, destination, cause, sentence }
}

fn failed(
    signal: &str,
    plan: &ExporterPlan,
    error: &str,
    spoken: Option<Spoken>,
) -> (Cause, String) {
    let sent = Sent::of(plan);
    let cause = match (cause_of(error), spoken) {
        _ if sent == Sent::Lines => Cause::File,
        (_, Some(Spoken::Http2)) if sent != Sent::Grpc => Cause::SpeaksGrpc,
        (_, Some(Spoken::Tls)) => Cause::SpeaksTls,
        (_, Some(Spoken::Http1)) if sent != Sent::Http => Cause::SpeaksHttp,
        (Cause::Other, None) if error.contains("no answer: ") || error.contains("no HTTP/2") => {
            Cause::SpeaksOther
        }
        (Cause::Other, None) if error.contains("not a Cap'n Proto receiver") => Cause::SpeaksOther,
        (cause, _) => cause,
    };
    (cause, format!("{}: {}", what(cause, sent, error), remedy(cause, signal, plan, error)))
}

fn cause_of(error: &str) -> Cause {
    let found = CAUSES.iter().find(|(words, _)| error.contains(words));
    match found {
        Some((_, cause)) => *cause,
        None if error.contains("no answer within") => Cause::Timeout,
        None => Cause::Other,
    }
}

fn what(cause: Cause, sent: Sent, error: &str) -> String {
    let words = match cause {
        Cause::Name => "the host's name does not resolve",
        Cause::NothingListens => "nothing listens there",
        Cause::Unreachable => "the host cannot be reached",
        Cause::Timeout => "it takes the connection and does not answer",
        Cause::Tls if error.contains("wrong name") => "its certificate is another host's",
        Cause::Tls if error.contains("unknown authority") => "its certificate is not trusted",
        Cause::Tls => "no TLS could be agreed on",
        Cause::SpeaksTls => "it speaks TLS, and was spoken to without",
        Cause::NoTls => "it was spoken to with TLS, and does not speak it",
        Cause::Proxy => "the proxy opens no way",
        Cause::Path if sent == Sent::Grpc => "it speaks gRPC, but has no OTLP for this signal",
        Cause::Path => "an HTTP server answers, but there is no OTLP at this path",
        Cause::Unauthorized if sent == Sent::Capnp => "it does not take the token",
        Cause::Unauthorized => "it wants other credentials",
        Cause::SpeaksGrpc => return format!("it speaks gRPC, and was sent {}", sent.name()),
        Cause::SpeaksHttp => return format!("it speaks HTTP/1.1, and was sent {}", sent.name()),
        Cause::SpeaksOther => match sent {
            Sent::Http => "something listens there that does not speak HTTP",
            Sent::Grpc => "something listens there that does not speak gRPC",
            Sent::Capnp | Sent::Lines => {
                "something listens there that is no receiver of Cap'n Proto"
            }
        },
        Cause::Busy => "it takes nothing just now",
        Cause::Refused => "it refused the request",
        Cause::File => "the file cannot be written",
        _ => "it did not arrive",
    };
    words.to_owned()
}

fn remedy(cause: Cause, signal: &str, plan: &ExporterPlan, error: &str) -> String {
    let own = format!("OTEL_EXPORTER_OTLP_{}_ENDPOINT", signal.to_uppercase());
    let (host, port) = place(plan).unwrap_or_default();
    match cause {
        Cause::Name => format!("correct {host:?} in the endpoint, or this machine's DNS ({error})"),
        Cause::NothingListens => format!(
            "start the collector, or correct the port: usual are 4318 for OTLP over HTTP, 4317 for gRPC, \
             4319 for Cap'n Proto ({error})"
        ),
        Cause::Unreachable | Cause::Timeout => {
            format!("look for a firewall or a proxy between here and {host}:{port} ({error})")
        }
        Cause::SpeaksTls if matches!(plan, ExporterPlan::Capnp(_)) => {
            "write the endpoint with capnps://".to_owned()
        }
        Cause::SpeaksTls => "write the endpoint with https://".to_owned(),
        Cause::NoTls => format!("write the endpoint without TLS, or correct the port ({error})"),
        Cause::Proxy => {
            format!("correct HTTP_PROXY or HTTPS_PROXY, or name {host} in NO_PROXY ({error})")
        }
        Cause::Path if Sent::of(plan) == Sent::Grpc => {
            format!("switch its receiver for {signal} on, or correct the port ({error})")
        }
        Cause::Path => format!(
            "OTEL_EXPORTER_OTLP_ENDPOINT is a base to which /v1/{signal} is added; {own} is used as it \
             is and needs the whole path ({error})"
        ),
        Cause::Unauthorized => format!(
            "set OTEL_EXPORTER_OTLP_HEADERS to what it wants, as authorization=Bearer%20<token> ({error})"
        ),
        Cause::SpeaksGrpc => {
            let or = if HAS_GRPC { "set OTEL_EXPORTER_OTLP_PROTOCOL=grpc, or " } else { "" };
            format!(
                "port {port} is its port for gRPC; {or}use the one for OTLP over HTTP, usually 4318"
            )
        }
        Cause::SpeaksHttp if Sent::of(plan) == Sent::Grpc => {
            "set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, or use its port for gRPC, usually 4317"
                .to_owned()
        }
        Cause::SpeaksHttp => format!("write it as http://{host}:{port}"),
        Cause::SpeaksOther if port != 0 && Sent::of(plan) == Sent::Http => {
            format!("a receiver of Cap'n Proto is written as capnp://{host}:{port} ({error})")
        }
        _ => error.to_owned(),
    }
}
