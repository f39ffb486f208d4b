//! What both sides say of themselves.

use crate::schema::ingest_capnp::frame::{Compression, Format};
use crate::schema::ingest_capnp::{credential, hello};

/// Counts the additions to the schema that a peer might want to know of.
const PROTOCOL_MINOR: u16 = 0;

/// What of the receiver's hello matters to us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Peer {
    pub(super) reads_zstd: bool,
    pub(super) reads_columns: bool,
}

impl Peer {
    /// What cannot be read was not said.
    pub(super) fn of(hello: hello::Reader<'_>) -> Self {
        let listed = hello.get_compressions();
        let reads_zstd = listed.is_ok_and(|listed| {
            listed.iter().any(|compression| matches!(compression, Ok(Compression::Zstd)))
        });
        let listed = hello.get_formats();
        let reads_columns = listed
            .is_ok_and(|listed| listed.iter().any(|format| matches!(format, Ok(Format::Columns))));
        Self { reads_zstd, reads_columns }
    }
}

pub(super) fn write(mut hello: hello::Builder<'_>, reads_zstd: bool) {
    hello.set_protocol_minor(PROTOCOL_MINOR);
    hello.set_name("trackside");
    hello.set_version(env!("CARGO_PKG_VERSION"));
    hello.reborrow().init_formats(1).set(0, Format::RowsStandard);
    let mut compressions = hello.init_compressions(if reads_zstd { 2 } else { 1 });
    compressions.set(0, Compression::None);
    if reads_zstd {
        compressions.set(1, Compression::Zstd);
    }
}

pub(super) fn present(mut credential: credential::Builder<'_>, token: Option<&[u8]>) {
    match token {
        Some(token) => credential.set_bearer(token),
        None => credential.set_anonymous(()),
    }
}
