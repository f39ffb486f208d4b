//! Endpoints: what is one, and how it may be shown.

use std::path::PathBuf;

use http::Uri;

use super::endpoint::unix;
use super::parse::percent_decode;
use crate::tls;

const NO_TLS: &str =
    "this build has no TLS, which is the feature `tls`; switch it on, or use http://";
const NO_TLS_OF_GRPC: &str = "without a scheme it means TLS, and this build has none, which is the \
     feature `tls`; switch it on, write http://, or set OTEL_EXPORTER_OTLP_INSECURE=true";
const NO_URL: &str = "not a URL; write it as http://host:4318";

/// Takes user name and password out of a URL and checks the rest; an error does not show the text.
pub(crate) fn check(text: &str, complaints: &mut Vec<String>) -> Result<Uri, &'static str> {
    let uri: Uri = text.trim().parse().map_err(|_| NO_URL)?;
    match uri.scheme_str() {
        Some("http") => {}
        Some("https") if tls::SUPPORTED => {}
        Some("https") => return Err(NO_TLS),
        Some(_) => {
            return Err("the scheme is not known; use http://, unix:, capnp:// or capnp+unix:");
        }
        None => return Err(NO_URL),
    }
    let scheme = uri.scheme_str().unwrap_or("http");
    let authority = uri.authority().ok_or(NO_URL)?;
    let place = match authority.as_str().rsplit_once('@') {
        Some((_, place)) => {
            let remedy = "put them into a header";
            complaints.push(format!("user name and password in the URL are not sent; {remedy}"));
            place
        }
        None => authority.as_str(),
    };
    let host = authority.host();
    // A port out of range is no port to `http`, but still stands in the text.
    let port_fits = place == host || authority.port_u16().is_some_and(|port| port > 0);
    if host.is_empty() || !port_fits {
        return Err(NO_URL);
    }
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    format!("{scheme}://{place}{path}").parse().map_err(|_| NO_URL)
}

/// A socket, and the URL of what is said over it: `unix:/path`, `http+unix:/path`, or with the path of the socket
/// percent-encoded, `http+unix://%2Fpath/base`.
pub(super) fn over_socket(text: &str) -> Result<(PathBuf, Uri), &'static str> {
    let rest = text.split_once(':').map_or("", |(_, rest)| rest);
    let behind = rest.strip_prefix("//").unwrap_or(rest);
    let (socket, base) = match behind.split_once('/') {
        // The path of the socket is one word.
        Some((socket, base)) if !socket.is_empty() => (decoded(socket)?, base),
        None if !behind.is_empty() => (decoded(behind)?, ""),
        _ => (behind.to_owned(), ""),
    };
    let url = format!("http://localhost/{base}").parse().map_err(|_| NO_URL)?;
    Ok((unix(&socket)?, url))
}

fn decoded(socket: &str) -> Result<String, &'static str> {
    percent_decode(socket).and_then(|path| String::from_utf8(path).ok()).ok_or(NO_URL)
}

/// The same host and port over TLS.
pub(super) fn secured(url: &Uri) -> Result<Uri, &'static str> {
    if !tls::SUPPORTED {
        return Err(NO_TLS_OF_GRPC);
    }
    let authority = url.authority().map_or("", |authority| authority.as_str());
    format!("https://{authority}{}", url.path()).parse().map_err(|_| NO_URL)
}

/// The URL of one call of gRPC, whatever path the endpoint has.
pub(super) fn of_service(base: &Uri, service: &str) -> Result<Uri, String> {
    let authority = base.authority().map_or("", |authority| authority.as_str());
    let scheme = base.scheme_str().unwrap_or("http");
    format!("{scheme}://{authority}{service}").parse().map_err(|_| NO_URL.to_owned())
}

/// The URL of one signal below a base.
pub(crate) fn below(base: &Uri, path: &str) -> Result<Uri, String> {
    let authority = base.authority().map_or("", |authority| authority.as_str());
    let start = base.path().trim_end_matches('/');
    let query = base.query().map(|query| format!("?{query}")).unwrap_or_default();
    let scheme = base.scheme_str().unwrap_or("http");
    format!("{scheme}://{authority}{start}{path}{query}")
        .parse()
        .map_err(|_| "the URL is too long; shorten it".to_owned())
}

/// A checked URL as it may be shown: its query may hold a secret.
pub(crate) fn show(url: &Uri) -> String {
    let authority = url.authority().map_or("", |authority| authority.as_str());
    let query = url.query().map_or("", |_| "?***");
    let scheme = url.scheme_str().unwrap_or("http");
    format!("{scheme}://{authority}{}{query}", url.path())
}

/// A text that should have been a URL, without what may be a secret: all before the last `@`, all
/// behind a `?`.
pub(super) fn mask(text: &str) -> String {
    let (before, place) = match text.rsplit_once('@') {
        Some((user, place)) => {
            let scheme = user.split_once("://").map(|(scheme, _)| format!("{scheme}://"));
            (scheme.unwrap_or_default() + "***@", place)
        }
        None => (String::new(), text),
    };
    match place.split_once('?') {
        Some((place, _)) => format!("{before}{place}?***"),
        None => before + place,
    }
}
