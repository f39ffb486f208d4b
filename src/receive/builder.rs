//! From what was asked for to settings that can be used.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::address::Address;
use super::running::{self, Running};
use super::settings::{Durability, Limits, Settings};
use super::sink::Sink;
use super::tokens::Tokens;
use super::{DEFAULT_ADDRESS, Error};
use crate::health::diagnostics::{Diagnostics, Hook, Level};
use crate::tls::{PemFile, Server, ServerFiles};

/// Makes a receiver: see [`Receiver::builder`](super::Receiver::builder).
#[derive(Clone, Default)]
#[must_use = "a builder does nothing until it starts"]
pub struct Builder {
    addresses: Vec<String>,
    tokens: Vec<Vec<u8>>,
    token_files: Vec<PathBuf>,
    certificate: Option<(PathBuf, PathBuf)>,
    clients: Option<PathBuf>,
    sinks: Vec<Sink>,
    durability: Durability,
    threads: Option<usize>,
    health: Option<String>,
    pub(super) limits: Limits,
    hook: Option<Hook>,
    shows_diagnostics: bool,
}

impl Builder {
    /// Listens at `127.0.0.1:4319`, `[::1]:4319` or `unix:/path`; repeatable. Without it the receiver
    /// listens at `127.0.0.1:4319`. Port 0 takes a free one.
    ///
    /// With [`tls`](Self::tls) an address without a scheme, or with `capnps://`, speaks TLS, and one with
    /// `capnp://` does not.
    ///
    /// Who reaches a socket file still has to be its owner, or root. Any other address than one of this
    /// machine needs a [`token`](Self::token), or TLS with [`client_certificates`](Self::client_certificates).
    pub fn listen(mut self, address: &str) -> Self {
        self.addresses.push(address.to_owned());
        self
    }

    /// A bearer token that is taken; repeatable, so that tokens can be changed without an outage. With a
    /// token set, every connection but those over a socket file has to bring one.
    pub fn token(mut self, token: impl AsRef<[u8]>) -> Self {
        self.tokens.push(token.as_ref().to_vec());
        self
    }

    /// A file with bearer tokens that are taken, a line each; repeatable. It is read again when it changes:
    /// whoever logged in with a token that is not in it any more is asked to go, and has to log in anew. A
    /// file that cannot be read then, or that holds no token, changes nothing and is said.
    pub fn token_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.token_files.push(path.into());
        self
    }

    /// Speaks TLS with this certificate and its key, files in PEM form. They are read again when they change.
    ///
    /// It needs the feature `tls`.
    pub fn tls(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.certificate = Some((certificate.into(), key.into()));
        self
    }

    /// Takes only clients over TLS that show a certificate of these authorities, a file in PEM form. What
    /// such a client sends is kept apart from all others by its certificate. With a [`token`](Self::token)
    /// set, clients have to bring both.
    pub fn client_certificates(mut self, authorities: impl Into<PathBuf>) -> Self {
        self.clients = Some(authorities.into());
        self
    }

    /// Sends all that comes to a collector, as OTLP over HTTP: `http://host:4318`.
    pub fn forward(self, endpoint: &str) -> Self {
        self.sink(Sink::forward(endpoint))
    }

    /// Adds a sink.
    pub fn sink(mut self, sink: Sink) -> Self {
        self.sinks.push(sink);
        self
    }

    /// What it means that a batch was accepted; [`Durability::Memory`] by default.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// How many threads serve connections; one for each core by default.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Answers HTTP requests for `/healthz` and `/readyz` at this address.
    pub fn health(mut self, address: &str) -> Self {
        self.health = Some(address.to_owned());
        self
    }

    /// Connections at one time; 10,000 by default.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.limits.connections = connections;
        self
    }

    /// The largest batch, as it is sent; 16 MiB by default.
    pub fn max_batch_bytes(mut self, bytes: usize) -> Self {
        self.limits.batch_bytes = bytes;
        self
    }

    /// The largest batch, once it is decompressed; 64 MiB by default.
    pub fn max_uncompressed_bytes(mut self, bytes: usize) -> Self {
        self.limits.uncompressed_bytes = bytes;
        self
    }

    /// What the messages of all connections may take while they are read and handled; 256 MiB by default.
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.limits.budget_bytes = bytes;
        self
    }

    /// How many batches, and how many bytes of them, one client may have unanswered; 8 and 8 MiB by
    /// default.
    pub fn window(mut self, batches: u32, bytes: u64) -> Self {
        self.limits.window_batches = batches;
        self.limits.window_bytes = bytes;
        self
    }

    /// How long a connection may take to log in; 5 s by default.
    pub fn login_timeout(mut self, within: Duration) -> Self {
        self.limits.login = within;
        self
    }

    /// After which a connection is asked to go, so that load finds its way to other receivers; 10 min by
    /// default, give or take an eighth.
    pub fn max_connection_age(mut self, age: Duration) -> Self {
        self.limits.age = age;
        self
    }

    /// How long a call waits for the sinks with [`Durability::Forwarded`] before it is answered "not yet";
    /// 8 s by default. The batch stays where it is; sent again, it meets the answer of the first.
    pub fn answer_timeout(mut self, within: Duration) -> Self {
        self.limits.answer = within;
        self
    }

    /// Called with each diagnostic, of which one of a kind is said a minute.
    pub fn on_diagnostic(mut self, hook: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.hook = Some(Arc::new(hook));
        self
    }

    /// Shows diagnostics on standard error where the process has no logger.
    pub fn show_diagnostics(mut self, on: bool) -> Self {
        self.shows_diagnostics = on;
        self
    }

    /// Checks the settings, binds the listeners and starts the threads.
    ///
    /// # Errors
    /// A setting that cannot be used (it is named, with a remedy), or an address or a thread that the
    /// system refuses. Nothing is left running then.
    pub fn start(self) -> Result<Running, Error> {
        let settings = self.settings()?;
        let on_stderr = self.shows_diagnostics.then_some(Level::Info);
        running::start(settings, Arc::new(Diagnostics::new(self.hook, on_stderr)))
    }

    pub(super) fn settings(&self) -> Result<Settings, Error> {
        let mut sinks = Vec::new();
        for sink in &self.sinks {
            sinks.push(sink.plan()?);
        }
        if sinks.is_empty() {
            let remedy = "there is no sink; say where to with forward(..) or sink(..)";
            return Err(Error::setting("sink", "", remedy));
        }
        let waits = sinks.iter().any(|sink| sink.is_required);
        match self.durability {
            Durability::Disk => {
                let remedy = "there is no spool yet; take memory or forwarded";
                return Err(Error::setting("durability", "disk", remedy));
            }
            Durability::Forwarded if !waits => {
                let remedy = "no sink is required, so there is none to wait for; add forward(..)";
                return Err(Error::setting("durability", "forwarded", remedy));
            }
            _ => {}
        }
        let tokens = Tokens::new(&self.tokens, &self.token_files)?;
        let threads = match self.threads {
            Some(0) => return Err(Error::setting("threads", "0", "one is the least")),
            Some(threads) => threads,
            None => std::thread::available_parallelism().map_or(1, usize::from),
        };
        Ok(Settings {
            addresses: self.listeners(&tokens)?,
            tokens: Arc::new(tokens),
            tls: self.server()?.map(Arc::new),
            sinks,
            durability: self.durability,
            threads,
            health: self.health.as_deref().map(health).transpose()?,
            limits: self.limits()?,
        })
    }

    fn listeners(&self, tokens: &Tokens) -> Result<Vec<Address>, Error> {
        let mut asked = self.addresses.clone();
        if asked.is_empty() {
            asked.push(DEFAULT_ADDRESS.to_owned());
        }
        let mut addresses = Vec::new();
        for text in &asked {
            let refuse = |remedy: &str| Error::setting("listen", text, remedy);
            let address = match Address::parse(text).map_err(refuse)? {
                Address::Tls(_) if self.certificate.is_none() => {
                    return Err(refuse("TLS needs a certificate and its key; set tls(..)"));
                }
                Address::Tcp(address) if self.certificate.is_some() && !is_plain(text) => {
                    Address::Tls(address)
                }
                address => address,
            };
            let asks = match address {
                Address::Tls(_) => !tokens.is_empty() || self.clients.is_some(),
                _ => !tokens.is_empty(),
            };
            if !address.is_local() && !asks {
                return Err(refuse(
                    "others than this machine reach it, so a token has to be set, or client_certificates \
                     with TLS; or take 127.0.0.1",
                ));
            }
            addresses.push(address);
        }
        Ok(addresses)
    }

    fn server(&self) -> Result<Option<Server>, Error> {
        let file = |setting, path: &PathBuf| PemFile::new(setting, path);
        match (&self.certificate, &self.clients) {
            (Some((certificate, key)), clients) => {
                let (certificate, key) = (file("tls", certificate), file("tls", key));
                let clients = clients.as_ref().map(|path| file("client_certificates", path));
                let server = Server::new(ServerFiles { certificate, key, clients });
                server.map(Some).map_err(Error::failed)
            }
            (None, Some(path)) => {
                let remedy = "only TLS has certificates; set tls(..)";
                Err(Error::setting("client_certificates", &path.display().to_string(), remedy))
            }
            (None, None) => Ok(None),
        }
    }

    fn limits(&self) -> Result<Limits, Error> {
        let limits = self.limits;
        let least = [
            ("max_connections", limits.connections as u64, 1),
            ("max_batch_bytes", limits.batch_bytes as u64, 4096),
            ("max_uncompressed_bytes", limits.uncompressed_bytes as u64, 4096),
            ("window", limits.window_batches.into(), 1),
            ("window", limits.window_bytes, 1),
            // A budget that no batch fits into would wait for ever.
            ("memory_limit", limits.budget_bytes as u64, 2 * limits.batch_bytes as u64),
        ];
        for (field, value, least) in least {
            if value < least {
                let remedy = format!("too little; {least} is the least");
                return Err(Error::setting(field, &value.to_string(), &remedy));
            }
        }
        // Sizes of messages are counted in 32 bits.
        if limits.batch_bytes > 1 << 30 || limits.uncompressed_bytes > 1 << 30 {
            let remedy = "a batch may have 1 GiB at most";
            return Err(Error::setting("max_batch_bytes", &limits.batch_bytes.to_string(), remedy));
        }
        for (field, value) in [
            ("login_timeout", limits.login),
            ("max_connection_age", limits.age),
            ("answer_timeout", limits.answer),
        ] {
            if value.is_zero() {
                return Err(Error::setting(field, "0", "no time at all; 1 ms is the least"));
            }
        }
        Ok(limits)
    }
}

/// Whether an address says that there is to be no TLS.
fn is_plain(text: &str) -> bool {
    text.trim().starts_with("capnp://")
}

fn health(text: &str) -> Result<SocketAddr, Error> {
    match Address::parse(text) {
        Ok(Address::Tcp(address)) => Ok(address),
        Ok(Address::Unix(_) | Address::Tls(_)) => {
            let remedy = "HTTP over TCP, without TLS, and no socket file; write 127.0.0.1:8080";
            Err(Error::setting("health", text, remedy))
        }
        Err(remedy) => Err(Error::setting("health", text, remedy)),
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("addresses", &self.addresses)
            .field("tokens", &self.tokens.len())
            .field("token_files", &self.token_files)
            .field("sinks", &self.sinks)
            .field("durability", &self.durability)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(builder: Builder) -> String {
        builder.settings().unwrap_err().to_string()
    }

    fn builder() -> Builder {
        Builder::default().forward("http://127.0.0.1:4318")
    }

    #[test]
    fn others_than_this_machine_need_a_token() {
        let error = refused(builder().listen("0.0.0.0:4319"));
        assert!(error.contains("listen(\"0.0.0.0:4319\")") && error.contains("token"), "{error}");
        builder().listen("0.0.0.0:4319").token("secret").settings().unwrap();
        builder().listen("[::1]:0").listen("unix:/tmp/a").settings().unwrap();
    }

    #[test]
    fn every_setting_that_cannot_be_used_is_named() {
        for (builder, words) in [
            (Builder::default(), "no sink"),
            (builder().durability(Durability::Disk), "durability(\"disk\"): there is no spool"),
            (builder().token(""), "token"),
            (builder().token_file("/no/such"), "token_file(\"/no/such\"): cannot be read"),
            (builder().threads(0), "threads(\"0\")"),
            (builder().listen("127.0.0.1"), "port is missing"),
            (builder().health("unix:/tmp/a"), "health"),
            (builder().memory_limit(1), "memory_limit(\"1\")"),
            (builder().window(0, 1), "window"),
            (builder().max_batch_bytes(1 << 31).memory_limit(usize::MAX), "max_batch_bytes"),
            (builder().login_timeout(Duration::ZERO), "login_timeout"),
            (Builder::default().forward("nowhere"), "forward(\"nowhere\"): not a URL"),
            (Builder::default().forward("capnp://a:4319"), "by OTLP over HTTP alone"),
            (Builder::default().forward("capnp+unix:/run/a"), "by OTLP over HTTP alone"),
            (Builder::default().forward("ftp://a:1"), "by OTLP over HTTP alone"),
            (builder().listen("capnps://127.0.0.1:0"), "set tls(..)"),
            (builder().client_certificates("/a"), "client_certificates(\"/a\"): only TLS"),
            (builder().tls("/no/such", "/no/such"), "tls(\"/no/such\")"),
        ] {
            let error = refused(builder);
            assert!(error.contains(words), "{words}: {error}");
        }
        let console = Builder::default().sink(Sink::console(false));
        assert!(refused(console.durability(Durability::Forwarded)).contains("none to wait for"));
    }

    #[test]
    fn secrets_of_an_endpoint_are_not_shown() {
        let error = refused(Builder::default().forward("http://user:hunter2@host:1"));
        assert!(!error.contains("hunter2"), "{error}");
        let error = refused(Builder::default().forward("host?key=hunter2"));
        assert!(!error.contains("hunter2"), "{error}");
    }
}
