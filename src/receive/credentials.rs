//! Who may log in: tokens compared in constant time, and the owner of a Unix socket's other end.

use std::fmt;

use crate::tls::Fingerprint;

/// On whose behalf a connection speaks: what one principal sends never touches another's windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Principal {
    /// Nobody was asked: the listener is a local one without tokens.
    Anyone,
    /// The bearer of the token at this place of the list.
    Token(usize),
    /// Whoever holds the key of the certificate with this fingerprint.
    Certificate(Fingerprint),
    /// A user of this system.
    User(u32),
}

/// The tokens of a receiver; never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Tokens(Vec<Vec<u8>>);

impl Tokens {
    pub(super) fn add(&mut self, token: &[u8]) {
        self.0.push(token.to_vec());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn has_an_empty_one(&self) -> bool {
        self.0.iter().any(Vec::is_empty)
    }

    /// Compares with each token, whether or not one before was the right one.
    pub(super) fn find(&self, given: &[u8]) -> Option<Principal> {
        let mut found = None;
        for (index, token) in self.0.iter().enumerate() {
            if is_same(token, given) {
                found = Some(Principal::Token(index));
            }
        }
        found
    }
}

/// Takes as long for a wrong token as for the right one; only a token's length shows.
fn is_same(token: &[u8], given: &[u8]) -> bool {
    let mut difference = u8::from(token.len() != given.len());
    for (index, byte) in given.iter().enumerate() {
        let other = token.get(index).copied().unwrap_or(!*byte);
        difference = std::hint::black_box(difference | (byte ^ other));
    }
    difference == 0
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tokens", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_is_taken() {
        let mut tokens = Tokens::default();
        tokens.add(b"first");
        tokens.add(b"second");
        assert_eq!(tokens.find(b"first"), Some(Principal::Token(0)));
        assert_eq!(tokens.find(b"second"), Some(Principal::Token(1)));
        for wrong in [&b""[..], b"firs", b"firstt", b"First", b"\xff", b"secont"] {
            assert_eq!(tokens.find(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn tokens_are_never_shown() {
        let mut tokens = Tokens::default();
        tokens.add(b"hunter2");
        assert_eq!(format!("{tokens:?}"), "1 tokens");
    }
}
