//! What became of one item.

use std::fmt;

use crate::encode::json::Writer;

/// One signal at one destination.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Finding {
    /// `traces`, `metrics` or `logs`.
    pub signal: &'static str,
    /// Where it goes; empty where it goes nowhere.
    pub destination: String,
    /// In one word.
    pub cause: Cause,
    /// What it is, and what to do.
    pub sentence: String,
}

/// What is the matter, or that nothing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// It arrived.
    Arrived,
    /// There is nothing to try: the process prints it itself.
    NotTried,
    /// The signal is off, as it was asked for.
    Off,
    /// The signal is off, since what was asked for cannot be done.
    Unusable,
    /// The host's name does not resolve.
    Name,
    /// Nothing listens at the port.
    NothingListens,
    /// The host or the network does not answer.
    Unreachable,
    /// It did not answer in time.
    Timeout,
    /// The peer's certificate is not that of this name, or nobody vouches for it.
    Tls,
    /// A port that speaks TLS, given without.
    SpeaksTls,
    /// A port that does not speak TLS, given with it.
    NoTls,
    /// A proxy that cannot be reached, or opens no way.
    Proxy,
    /// An HTTP server, but no OTLP at this path.
    Path,
    /// The credentials are missing or wrong.
    Unauthorized,
    /// A port of gRPC, given as another protocol.
    SpeaksGrpc,
    /// A port of HTTP, given as gRPC or Cap'n Proto.
    SpeaksHttp,
    /// It listens, and speaks something else.
    SpeaksOther,
    /// It does not take what was sent.
    Refused,
    /// It is busy.
    Busy,
    /// A file that cannot be written.
    File,
    /// None of these.
    Other,
}

impl Cause {
    /// A word that stays the same.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Arrived => "arrived",
            Self::NotTried => "not_tried",
            Self::Off => "off",
            Self::Unusable => "unusable",
            Self::Name => "name",
            Self::NothingListens => "nothing_listens",
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::Tls => "tls",
            Self::SpeaksTls => "speaks_tls",
            Self::NoTls => "no_tls",
            Self::Proxy => "proxy",
            Self::Path => "path",
            Self::Unauthorized => "unauthorized",
            Self::SpeaksGrpc => "speaks_grpc",
            Self::SpeaksHttp => "speaks_http",
            Self::SpeaksOther => "speaks_other",
            Self::Refused => "refused",
            Self::Busy => "busy",
            Self::File => "file",
            Self::Other => "other",
        }
    }

    pub(super) const fn is_good(self) -> bool {
        matches!(self, Self::Arrived | Self::NotTried | Self::Off)
    }
}

impl Finding {
    pub(super) fn write(&self, out: &mut Writer) {
        out.object(|out| {
            for (key, text) in [
                ("signal", self.signal),
                ("destination", &self.destination),
                ("cause", self.cause.name()),
                ("sentence", &self.sentence),
            ] {
                out.key(key);
                out.string(text);
            }
            out.key("arrived");
            out.boolean(self.cause == Cause::Arrived);
        });
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.cause.is_good() { "ok" } else { "!!" };
        match self.destination.is_empty() {
            true => write!(f, "{mark} {}: {}", self.signal, self.sentence),
            false => write!(f, "{mark} {} to {}: {}", self.signal, self.destination, self.sentence),
        }
    }
}
