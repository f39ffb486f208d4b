//! On whose behalf a connection speaks.

use std::num::NonZeroU64;

use crate::tls::Fingerprint;

/// What one principal sends never touches another's windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Principal {
    /// Nobody was asked: the listener is a local one without tokens.
    Anyone,
    /// The bearer of the token with this number.
    Token(NonZeroU64),
    /// Whoever holds the key of the certificate with this fingerprint.
    Certificate(Fingerprint),
    /// A user of this system.
    User(u32),
}
