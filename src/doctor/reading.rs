//! From what an exporter says to a sentence that says what to do.

use super::finding::{Cause, Finding};
use super::probe::Spoken;
use crate::config::plan::{ExporterPlan, Target};
use crate::config::show_url;
use crate::export::Outcome;

/// What an exporter's error begins with, or holds, and what that means.
const CAUSES: [(&str, Cause); 18] = [
    ("cannot look up the host", Cause::Name),
    // As rustls says it.
    ("invalid peer certificate", Cause::Tls),
    ("Connection refused", Cause::NothingListens),
    ("No such file or directory", Cause::NothingListens),
    ("unreachable", Cause::Unreachable),
    ("no connection within", Cause::Unreachable),
    ("answered 401", Cause::Unauthorized),
    ("answered 403", Cause::Unauthorized),
    ("unauthorized", Cause::Unauthorized),
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

/// Whom to ask what it speaks.
pub(super) fn address(plan: &ExporterPlan) -> Option<(String, u16)> {
    match plan {
        ExporterPlan::Otlp(otlp) => {
            let host = otlp.url.host()?;
            let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
            Some((bare.unwrap_or(host).to_owned(), otlp.url.port_u16().unwrap_or(80)))
        }
        ExporterPlan::Capnp(capnp) => match &capnp.target {
            Target::Tcp { host, port } | Target::Tls { host, port } => Some((host.clone(), *port)),
            Target::Unix(_) => None,
        },
        _ => None,
    }
}

/// Whether what it speaks would explain it: it listens, and gave no answer.
pub(super) fn is_puzzling(outcome: &Outcome) -> bool {
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
    let destination = match plan {
        ExporterPlan::Otlp(otlp) => show_url(&otlp.url),
        other => other.to_string(),
    };
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
    let is_http = matches!(plan, ExporterPlan::Otlp(_));
    let cause = match (cause_of(error), spoken) {
        (_, Some(Spoken::Http2)) => Cause::SpeaksGrpc,
        (_, Some(Spoken::Tls)) => Cause::SpeaksTls,
        (_, Some(Spoken::Http1)) if !is_http => Cause::SpeaksHttp,
        (Cause::Other, None) if error.contains("no answer: ") => Cause::SpeaksOther,
        (Cause::Other, None) if error.contains("not a Cap'n Proto receiver") => Cause::SpeaksOther,
        _ if matches!(plan, ExporterPlan::File(_)) => Cause::File,
        (cause, _) => cause,
    };
    (cause, format!("{}: {}", what(cause, is_http), remedy(cause, signal, plan, error)))
}

fn cause_of(error: &str) -> Cause {
    let found = CAUSES.iter().find(|(words, _)| error.contains(words));
    match found {
        Some((_, cause)) => *cause,
        None if error.contains("no answer within") => Cause::Timeout,
        None => Cause::Other,
    }
}

fn what(cause: Cause, is_http: bool) -> &'static str {
    match cause {
        Cause::Name => "the host's name does not resolve",
        Cause::NothingListens => "nothing listens there",
        Cause::Unreachable => "the host cannot be reached",
        Cause::Timeout => "it takes the connection and does not answer",
        Cause::Tls => "its certificate is not trusted, or is another host's",
        Cause::SpeaksTls => "it speaks TLS, and was spoken to without",
        Cause::Path => "an HTTP server answers, but there is no OTLP at this path",
        Cause::Unauthorized if is_http => "it wants other credentials",
        Cause::Unauthorized => "it does not take the token",
        Cause::SpeaksGrpc if is_http => "it speaks gRPC, and was sent OTLP over HTTP/1.1",
        Cause::SpeaksGrpc => "it speaks gRPC, and was sent Cap'n Proto",
        Cause::SpeaksHttp => "it speaks HTTP, and was sent Cap'n Proto",
        Cause::SpeaksOther if is_http => "something listens there that does not speak HTTP",
        Cause::SpeaksOther => "something listens there that is no receiver of Cap'n Proto",
        Cause::Busy => "it takes nothing just now",
        Cause::Refused => "it refused the request",
        Cause::File => "the file cannot be written",
        _ => "it did not arrive",
    }
}

fn remedy(cause: Cause, signal: &str, plan: &ExporterPlan, error: &str) -> String {
    let own = format!("OTEL_EXPORTER_OTLP_{}_ENDPOINT", signal.to_uppercase());
    let (host, port) = address(plan).unwrap_or_default();
    match cause {
        Cause::Name => format!("correct {host:?} in the endpoint, or this machine's DNS ({error})"),
        Cause::NothingListens => format!(
            "start the collector, or correct the port: usual are 4318 for OTLP over HTTP, 4317 for gRPC, \
             4319 for Cap'n Proto ({error})"
        ),
        Cause::Unreachable | Cause::Timeout => {
            format!("look for a firewall or a proxy between here and {host}:{port} ({error})")
        }
        Cause::Tls => {
            format!("use the name that the certificate has, or give its authority ({error})")
        }
        Cause::SpeaksTls => "write the endpoint with https://".to_owned(),
        Cause::Path => format!(
            "OTEL_EXPORTER_OTLP_ENDPOINT is a base to which /v1/{signal} is added; {own} is used as it \
             is and needs the whole path ({error})"
        ),
        Cause::Unauthorized => format!(
            "set OTEL_EXPORTER_OTLP_HEADERS to what it wants, as authorization=Bearer%20<token> ({error})"
        ),
        Cause::SpeaksGrpc => {
            format!(
                "port {port} is its port for gRPC; use the one for OTLP over HTTP, usually 4318"
            )
        }
        Cause::SpeaksHttp => format!("write it as http://{host}:{port}"),
        Cause::SpeaksOther if port != 0 && matches!(plan, ExporterPlan::Otlp(_)) => {
            format!("a receiver of Cap'n Proto is written as capnp://{host}:{port} ({error})")
        }
        _ => error.to_owned(),
    }
}
