//! How bodies are compressed, by the names that HTTP and gRPC share.

use bytes::Bytes;

use super::gzip::{Gzip, THRESHOLD};
use super::zstd;
use crate::config::plan::Coding;

/// Compresses one body after the other.
pub(super) enum Coder {
    Identity,
    Gzip(Box<Gzip>),
    Zstd,
}

impl Coder {
    pub(super) fn new(coding: Coding) -> Self {
        match coding {
            Coding::Identity => Self::Identity,
            Coding::Gzip => Self::Gzip(Box::new(Gzip::new())),
            Coding::Zstd => Self::Zstd,
        }
    }

    /// As headers call it.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip(_) => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// `None` where the body is to be sent as it is: nothing is asked for, or it is small.
    pub(super) fn compress(&mut self, body: &[u8]) -> Option<Bytes> {
        match self {
            Self::Identity => None,
            Self::Gzip(gzip) => gzip.compress(body),
            Self::Zstd if body.len() < THRESHOLD => None,
            Self::Zstd => zstd::compress(body, &[]).map(Bytes::from),
        }
    }
}
