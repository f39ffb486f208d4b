//! An endpoint's text, read once in both ways: as OTLP takes it, and as Cap'n Proto does.

use std::path::PathBuf;

use http::Uri;

use super::parse::{Checked, quote};
use super::plan::Target;
use super::url;
use crate::tls;

/// Of a Unix socket's path; the system's address has room for no more, and a zero at the end.
const LONGEST_PATH: usize = 107;

const NO_TARGET: &str =
    "not an endpoint of Cap'n Proto; write it as capnp://host:4319 or capnp+unix:/path";

/// What a text says about where to send.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Endpoint {
    /// Without what may be a secret.
    pub(super) shown: String,
    pub(super) scheme: Scheme,
    /// The socket, where it is one; the URL is then about what is said over it.
    pub(super) socket: Option<PathBuf>,
    /// Host and port without a scheme, as gRPC takes them.
    bare: Option<Uri>,
    /// As OTLP takes it; `Err` is why it cannot.
    pub(super) url: Result<Uri, &'static str>,
    /// As Cap'n Proto takes it, which has a use for another protocol's host and port.
    pub(super) target: Result<Target, &'static str>,
}

/// Which exporter a text asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// `http`.
    Http,
    /// A socket, for OTLP.
    Unix,
    /// One of Cap'n Proto's own.
    Capnp,
    /// None at all, or one that nobody knows.
    Other,
}

impl Endpoint {
    pub(super) fn read(text: &str, complaints: &mut Vec<String>) -> Self {
        let text = text.trim();
        let name = scheme_of(text);
        let scheme = match name.as_str() {
            "http" => Scheme::Http,
            "unix" | "http+unix" => Scheme::Unix,
            name if name.starts_with("capnp") => Scheme::Capnp,
            _ => Scheme::Other,
        };
        let mut socket = None;
        let url = match scheme {
            Scheme::Unix => url::over_socket(text).map(|(path, url)| {
                socket = Some(path);
                url
            }),
            Scheme::Capnp => {
                Err("Cap'n Proto's, but OTLP is to be sent; name the exporter capnp, \
                                  or write it as http://host:4318")
            }
            _ => url::check(text, complaints),
        };
        let is_bare = scheme == Scheme::Other && name.is_empty();
        let bare =
            if is_bare { url::check(&format!("http://{text}"), complaints).ok() } else { None };
        Self { shown: url::mask(text), scheme, socket, bare, url, target: target(&name, text) }
    }

    /// With what was written in the reason.
    pub(super) fn url(&self) -> Checked<Uri> {
        self.url.clone().map_err(|why| format!("{}: {why}", quote(&self.shown)))
    }

    /// The same for gRPC, which needs no scheme: then `is_insecure` says whether there is TLS.
    pub(super) fn grpc_url(&self, is_insecure: bool) -> Checked<Uri> {
        match &self.bare {
            None => self.url(),
            Some(url) if is_insecure => Ok(url.clone()),
            Some(url) => url::secured(url).map_err(|why| format!("{}: {why}", quote(&self.shown))),
        }
    }

    /// Whether it is nothing but host and port.
    pub(super) fn is_bare(&self) -> bool {
        self.bare.is_some()
    }

    /// The same.
    pub(super) fn target(&self) -> Checked<Target> {
        self.target.clone().map_err(|why| format!("{}: {why}", quote(&self.shown)))
    }

    pub(super) fn is_capnp(&self) -> bool {
        self.scheme == Scheme::Capnp
    }
}

/// What stands before `://`, in lower case; of a Unix socket, also before a lone colon.
fn scheme_of(text: &str) -> String {
    let sockets = ["unix", "http+unix", "capnp+unix"];
    let is_unix = |start: &&str| sockets.iter().any(|socket| start.eq_ignore_ascii_case(socket));
    let scheme = match text.split_once("://") {
        Some((scheme, _)) => scheme,
        None => text.split_once(':').map(|(start, _)| start).filter(is_unix).unwrap_or_default(),
    };
    scheme.to_ascii_lowercase()
}

fn target(scheme: &str, text: &str) -> Result<Target, &'static str> {
    let rest = text.split_once(':').map_or("", |(_, rest)| rest);
    let behind = rest.strip_prefix("//").unwrap_or(rest);
    match scheme {
        "capnp" | "http" => tcp(behind).map(|(host, port)| Target::Tcp { host, port }),
        "" => tcp(text).map(|(host, port)| Target::Tcp { host, port }),
        "capnps" if tls::SUPPORTED => tcp(behind).map(|(host, port)| Target::Tls { host, port }),
        "capnp+unix" => unix(behind).map(Target::Unix),
        "capnps" => {
            Err("this build has no TLS, which is the feature `tls`; switch it on, or use capnp://")
        }
        "https" => Err("https:// is not for Cap'n Proto; write it as capnps://host:4319"),
        _ => Err("the scheme is not known; use capnp:// or capnp+unix:"),
    }
}

fn tcp(place: &str) -> Result<(String, u16), &'static str> {
    let uri: Uri = format!("http://{place}").parse().map_err(|_| NO_TARGET)?;
    let authority = uri.authority().ok_or(NO_TARGET)?;
    if authority.as_str().contains('@') {
        return Err("user name and password have no place in it; set the header authorization");
    }
    if place.contains('#')
        || !matches!(uri.path_and_query().map(|path| path.as_str()), None | Some("/"))
    {
        return Err("Cap'n Proto has no paths; end it after the port");
    }
    let host = authority.host();
    if host.is_empty() {
        return Err(NO_TARGET);
    }
    if authority.as_str() == host {
        return Err(
            "the port is missing, and none is guessed; receivers listen on 4319 by default: \
                    write it as capnp://host:4319",
        );
    }
    // A port out of range is none to `http`.
    let port = authority.port_u16().filter(|port| *port > 0).ok_or(NO_TARGET)?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    Ok((bare.unwrap_or(host).to_owned(), port))
}

/// The path of a socket, checked.
pub(super) fn unix(path: &str) -> Result<PathBuf, &'static str> {
    if !path.starts_with('/') || path.ends_with('/') || path.contains('\0') {
        return Err(
            "not the absolute path of a socket; write it as capnp+unix:/path or unix:/path",
        );
    }
    if path.len() > LONGEST_PATH {
        return Err("a socket's path has 107 bytes at most; use a shorter one");
    }
    Ok(PathBuf::from(path))
}
