//! Proxies: which host is reached through which.

use std::net::IpAddr;
use std::path::PathBuf;

use http::uri::Scheme;
use http::{HeaderValue, Uri};

use super::parse::{Checked, percent_decode, quote};
use super::plan::{ProxyPlan, Route};
use super::resolve::Resolver;
use super::url;
use super::variables::*;
use crate::encode::json::Writer;

/// What most proxies listen on is no one's guess: this is what the scheme says.
const PORT: u16 = 80;

/// A proxy, `[http://][user:password@]host[:port]`. To go without where one is named would send past it.
pub(super) fn proxy(text: &str, _complaints: &mut Vec<String>) -> Option<Checked<ProxyPlan>> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let shown = quote(&url::mask(text));
    let refused = |why: &str| format!("{shown}: {why}; write it as http://host:port");
    let (scheme, place) = text.split_once("://").unwrap_or(("http", text));
    if !scheme.eq_ignore_ascii_case("http") {
        return Some(Err(refused("only proxies of plain HTTP can be used")));
    }
    let (user, place) = match place.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, place),
    };
    Some(
        read(user, place.trim_end_matches('/'))
            .ok_or_else(|| refused("not the address of a proxy")),
    )
}

fn read(user: Option<&str>, place: &str) -> Option<ProxyPlan> {
    let uri: Uri = format!("http://{place}/").parse().ok()?;
    let authority = uri.authority()?;
    let host = authority.host();
    let port_fits = authority.as_str() == host || authority.port_u16().is_some_and(|port| port > 0);
    if host.is_empty() || !port_fits || uri.path() != "/" || uri.query().is_some() {
        return None;
    }
    let authorization = user.map(authorization).transpose().ok()?;
    let port = authority.port_u16().unwrap_or(PORT);
    Some(ProxyPlan { host: bare(host).to_owned(), port, authorization })
}

/// `user:password`, percent-encoded, as a header says it.
fn authorization(user: &str) -> Result<HeaderValue, ()> {
    let mut basic = Writer::default();
    basic.base64(&percent_decode(user).ok_or(())?);
    let basic = String::from_utf8_lossy(&basic.take()).trim_matches('"').to_owned();
    let mut value = HeaderValue::from_str(&format!("Basic {basic}")).map_err(drop)?;
    value.set_sensitive(true);
    Ok(value)
}

impl Resolver<'_> {
    /// How the host of a URL is reached; `Err` is why it cannot be. `name` is the setting's in the report.
    pub(super) fn route(
        &mut self,
        name: &str,
        url: &Uri,
        socket: Option<PathBuf>,
    ) -> Checked<Route> {
        if let Some(socket) = socket {
            return Ok(Route::Unix(socket));
        }
        let (host, is_secure) =
            (bare(url.host().unwrap_or_default()), url.scheme() == Some(&Scheme::HTTPS));
        let port = url.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
        let candidates = match is_secure {
            true => [&HTTPS_PROXY, &https_proxy],
            false => [&HTTP_PROXY, &http_proxy],
        };
        let Some((proxy, origin)) = self.set(&candidates) else { return Ok(Route::Direct) };
        let beside = self.set(&[&NO_PROXY, &no_proxy]);
        let is_beside = beside.as_ref().is_some_and(|(list, _)| is_listed(list, host, port));
        if is_here(host) || is_beside {
            return Ok(Route::Direct);
        }
        let proxy = proxy.map_err(|why| format!("{origin}: {why}"))?;
        self.report.set(name, proxy.to_string(), origin);
        Ok(Route::Proxy(proxy))
    }
}

/// No proxy knows a way to this machine.
fn is_here(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

/// Whether one of a comma list stands for this host: `*`, a name (its subdomains too), `.name` (they alone), an
/// address, a network; each but the last perhaps with a port.
fn is_listed(list: &str, host: &str, port: u16) -> bool {
    let address = host.parse::<IpAddr>().ok();
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    list.split(',').map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        if entry == "*" {
            return true;
        }
        if let Some(network) = entry.split_once('/') {
            return address.is_some_and(|address| is_within(address, network));
        }
        let (entry, its_port) = port_of(entry);
        if its_port.is_some_and(|its_port| its_port != port) {
            return false;
        }
        if let Some(address) = address {
            return entry.parse() == Ok(address);
        }
        let entry = entry.trim_start_matches('*').trim_end_matches('.').to_ascii_lowercase();
        match entry.strip_prefix('.') {
            Some(_) => host.ends_with(&entry),
            None => host == entry || host.ends_with(&format!(".{entry}")),
        }
    })
}

/// A name or an address, and the port behind it.
fn port_of(entry: &str) -> (&str, Option<u16>) {
    if entry.parse::<IpAddr>().is_ok() {
        return (entry, None);
    }
    match entry.rsplit_once(':').map(|(name, port)| (name, port.parse())) {
        Some((name, Ok(port))) => (bare(name), Some(port)),
        _ => (bare(entry), None),
    }
}

fn is_within(address: IpAddr, (network, length): (&str, &str)) -> bool {
    let Ok(length) = length.parse::<u32>() else { return false };
    match (address, network.parse()) {
        (IpAddr::V4(address), Ok(IpAddr::V4(network))) if length <= 32 => {
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            u32::from(address) & mask == u32::from(network) & mask
        }
        (IpAddr::V6(address), Ok(IpAddr::V6(network))) if length <= 128 => {
            let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
            u128::from(address) & mask == u128::from(network) & mask
        }
        _ => false,
    }
}

/// Without the brackets of an IPv6 address.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_needs_no_proxy() {
        let table = [
            ("*", "collector", true),
            ("", "collector", false),
            ("a.example, collector", "collector", true),
            ("example.com", "otel.example.com", true),
            ("example.com", "Example.COM.", true),
            ("example.com", "badexample.com", false),
            (".example.com", "example.com", false),
            (".example.com", "otel.example.com", true),
            ("*.example.com", "otel.example.com", true),
            ("collector:4318", "collector", true),
            ("collector:4317", "collector", false),
            ("10.0.0.7", "10.0.0.7", true),
            ("10.0.0.7:4318", "10.0.0.7", true),
            ("10.0.0.7", "10.0.0.70", false),
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.0.0.0/8", "11.1.2.3", false),
            ("0.0.0.0/0", "11.1.2.3", true),
            ("10.0.0.0/99", "10.0.0.0", false),
            ("10.0.0.0/8", "ten.example", false),
            ("fd00::/8", "fd12::1", true),
            ("fd00::1", "fd00::1", true),
            ("[fd00::1]:4318", "fd00::1", true),
        ];
        for (list, host, expected) in table {
            assert_eq!(is_listed(list, host, 4318), expected, "{list} {host}");
        }
    }

    #[test]
    fn a_proxy_in_each_form() {
        let shown = |text: &str| match proxy(text, &mut Vec::new())? {
            Ok(plan) => {
                let authorization = plan.authorization.as_ref().map(|value| {
                    assert!(value.is_sensitive());
                    String::from_utf8_lossy(value.as_bytes()).into_owned()
                });
                Some(format!("{plan} {}", authorization.unwrap_or_default()))
            }
            Err(why) => Some(why),
        };
        let table = [
            ("http://proxy:3128", "proxy:3128 "),
            ("proxy:3128", "proxy:3128 "),
            ("HTTP://proxy/", "proxy:80 "),
            ("http://[fd00::1]:3128", "[fd00::1]:3128 "),
            ("http://user:p%40ss@proxy:3128", "proxy:3128 Basic dXNlcjpwQHNz"),
        ];
        for (text, expected) in table {
            assert_eq!(shown(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(shown(" "), None);
        for text in
            ["socks5://proxy:1080", "https://proxy:3128", "http://proxy:0", "http://", "a b"]
        {
            let why = shown(text).unwrap();
            assert!(why.ends_with("; write it as http://host:port"), "{text}: {why}");
        }
        let why = shown("socks5://user:hunter2@proxy:1080").unwrap();
        assert!(!why.contains("hunter2"), "{why}");
    }
}
