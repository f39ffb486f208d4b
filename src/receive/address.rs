//! Where a listener listens.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// The longest path that a Unix socket's address holds on Linux, without its final zero.
const MAX_PATH: usize = 107;

/// An address of a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `127.0.0.1:4319`
    Tcp(SocketAddr),
    /// `capnps://127.0.0.1:4319`: TLS over TCP
    Tls(SocketAddr),
    /// `unix:/run/trackside.sock`
    Unix(PathBuf),
}

impl Address {
    /// The address that a text names; the error is what to do about it.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        for prefix in ["capnp+unix:", "unix:"] {
            if let Some(path) = text.strip_prefix(prefix) {
                return unix(path.strip_prefix("//").unwrap_or(path));
            }
        }
        let place = match text.split_once("://") {
            Some(("capnp", place)) => place,
            Some(("capnps", place)) => match Self::parse(place)? {
                Self::Tcp(address) => return Ok(Self::Tls(address)),
                _ => return Err("the scheme is said twice; write capnps://127.0.0.1:4319"),
            },
            Some(_) => return Err("the scheme is not known; write 127.0.0.1:4319 or unix:/path"),
            None => text,
        };
        if let Ok(address) = place.parse() {
            return Ok(Self::Tcp(address));
        }
        if place.contains('/') {
            return Err(
                "an address has no path; write 127.0.0.1:4319, or unix:/path for a socket file",
            );
        }
        if place.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
            return Err("the port is missing; write it behind the address, as 127.0.0.1:4319");
        }
        match place.rsplit_once(':') {
            Some(("localhost", port)) => match port.parse() {
                Ok(port) => Ok(Self::Tcp((Ipv4Addr::LOCALHOST, port).into())),
                Err(_) => Err("a port is a number from 0 to 65535"),
            },
            Some(_) => Err("not an address; write numbers, as 127.0.0.1:4319 or [::1]:4319"),
            None => Err("the port is missing; write 127.0.0.1:4319, or unix:/path"),
        }
    }

    /// Whether only this machine reaches it.
    pub(super) fn is_local(&self) -> bool {
        match self {
            Self::Tcp(address) | Self::Tls(address) => address.ip().to_canonical().is_loopback(),
            Self::Unix(_) => true,
        }
    }
}

fn unix(path: &str) -> Result<Address, &'static str> {
    if cfg!(not(unix)) {
        return Err("this system has no Unix sockets; write 127.0.0.1:4319");
    }
    match path.len() {
        0 => Err("the path is missing; write unix:/path"),
        1..=MAX_PATH => Ok(Address::Unix(path.into())),
        _ => {
            Err("the path is longer than the 107 bytes that a socket's may have; use a shorter one")
        }
    }
}

/// As an exporter's endpoint names it.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "capnp://{address}"),
            Self::Tls(address) => write!(f, "capnps://{address}"),
            Self::Unix(path) => write!(f, "capnp+unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_an_address() {
        for (text, shown) in [
            ("127.0.0.1:4319", "capnp://127.0.0.1:4319"),
            ("capnp://[::1]:1", "capnp://[::1]:1"),
            ("localhost:4319", "capnp://127.0.0.1:4319"),
            ("capnps://[::1]:1", "capnps://[::1]:1"),
            ("unix:/run/a.sock", "capnp+unix:/run/a.sock"),
            ("capnp+unix:///run/a.sock", "capnp+unix:/run/a.sock"),
        ] {
            assert_eq!(Address::parse(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_is_none_says_what_to_write() {
        for (text, words) in [
            ("127.0.0.1", "port is missing"),
            ("[::1]", "port is missing"),
            ("4319", "port is missing"),
            ("localhost:http", "0 to 65535"),
            ("example.com:4319", "write numbers"),
            ("127.0.0.1:4319/v1", "no path"),
            ("http://127.0.0.1:4319", "scheme"),
            ("capnps://unix:/a", "scheme is said twice"),
            ("unix:", "path is missing"),
        ] {
            let remedy = Address::parse(text).unwrap_err();
            assert!(remedy.contains(words), "{text}: {remedy}");
        }
        assert!(Address::parse(&format!("unix:/{}", "a".repeat(107))).is_err());
    }

    #[test]
    fn only_loopback_and_sockets_are_local() {
        let is_local = |text| Address::parse(text).unwrap().is_local();
        assert!(is_local("127.3.0.1:1") && is_local("[::1]:1") && is_local("unix:/a"));
        assert!(is_local("[::ffff:127.0.0.1]:1"));
        assert!(!is_local("0.0.0.0:1") && !is_local("[::]:1") && !is_local("10.0.0.1:1"));
    }
}
