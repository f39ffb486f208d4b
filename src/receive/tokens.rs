//! The tokens that are taken: given ones, and those of files as they are now.

use std::fmt;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Error;
use crate::config::stamp::Stamp;

/// Never shown.
pub(super) struct Tokens {
    given: Vec<Vec<u8>>,
    kept: Mutex<Kept>,
    has_files: bool,
}

struct Kept {
    files: Vec<TokenFile>,
    taken: Vec<Taken>,
    next: NonZeroU64,
}

struct TokenFile {
    path: PathBuf,
    stamp: Option<Stamp>,
    tokens: Vec<Vec<u8>>,
}

/// A token keeps its number for as long as it is taken, and no other ever has it.
struct Taken {
    number: NonZeroU64,
    token: Vec<u8>,
}

/// What a look at the files brought.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// A token is not taken any more.
    pub(super) revoked: bool,
    /// Files that cannot be used as they are now; what they held before stays taken.
    pub(super) complaints: Vec<String>,
}

impl Tokens {
    /// Reads the files. An error names the setting and the file.
    pub(super) fn new(given: &[Vec<u8>], files: &[PathBuf]) -> Result<Self, Error> {
        if given.iter().any(Vec::is_empty) {
            return Err(Error::setting("token", "", "a token has one byte at least"));
        }
        let mut kept = Kept { files: Vec::new(), taken: Vec::new(), next: NonZeroU64::MIN };
        for path in files {
            let stamp = Stamp::of(path);
            let refused = |why: String| Error::setting("token_file", &shown(path), &why);
            let tokens = read(path).map_err(refused)?;
            kept.files.push(TokenFile { path: path.clone(), stamp, tokens });
        }
        kept.number(given);
        Ok(Self { given: given.to_vec(), kept: Mutex::new(kept), has_files: !files.is_empty() })
    }

    /// Whether nobody has to bring one; that never changes.
    pub(super) fn is_empty(&self) -> bool {
        self.given.is_empty() && !self.has_files
    }

    /// Reads the files that have changed.
    pub(super) fn refresh(&self) -> Changes {
        if !self.has_files {
            return Changes::default();
        }
        self.kept().refresh(&self.given)
    }

    /// The number of a token that is taken. It is compared with each, whether or not one before was the right one.
    pub(super) fn find(&self, given: &[u8]) -> Option<NonZeroU64> {
        let mut found = None;
        for Taken { number, token } in &self.kept().taken {
            if is_same(token, given) {
                found = Some(*number);
            }
        }
        found
    }

    pub(super) fn is_taken(&self, number: NonZeroU64) -> bool {
        self.kept().taken.iter().any(|taken| taken.number == number)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn refresh(&mut self, given: &[Vec<u8>]) -> Changes {
        let mut changes = Changes::default();
        let mut has_changed = false;
        for file in &mut self.files {
            let now = Stamp::of(&file.path);
            if now == file.stamp {
                continue;
            }
            file.stamp = now;
            match read(&file.path) {
                Ok(tokens) => {
                    file.tokens = tokens;
                    has_changed = true;
                }
                Err(why) => {
                    let path = file.path.display();
                    let line =
                        format!("token_file({path}): {why}; its tokens of before stay in use");
                    changes.complaints.push(line);
                }
            }
        }
        if has_changed {
            changes.revoked = self.number(given);
        }
        changes
    }

    /// Takes what is given and what the files hold, and nothing else; whether a token is not taken any more.
    fn number(&mut self, given: &[Vec<u8>]) -> bool {
        let before = std::mem::take(&mut self.taken);
        let all = given.iter().chain(self.files.iter().flat_map(|file| &file.tokens));
        for token in all {
            if self.taken.iter().any(|taken| taken.token == *token) {
                continue;
            }
            let known = before.iter().find(|taken| taken.token == *token);
            let number = known.map_or(self.next, |taken| taken.number);
            self.next = self.next.max(number.saturating_add(1));
            self.taken.push(Taken { number, token: token.clone() });
        }
        let stays = |old: &Taken| self.taken.iter().any(|taken| taken.number == old.number);
        !before.iter().all(stays)
    }
}

/// The lines that say something; an error never shows one.
fn read(path: &Path) -> Result<Vec<Vec<u8>>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let tokens: Vec<_> = lines.map(|line| line.as_bytes().to_vec()).collect();
    if tokens.is_empty() {
        return Err("it holds no token; write one in a line".to_owned());
    }
    Ok(tokens)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
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
        write!(f, "{} tokens", self.kept().taken.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(number: u64) -> NonZeroU64 {
        NonZeroU64::new(number).unwrap()
    }

    fn given(tokens: &[&str]) -> Vec<Vec<u8>> {
        tokens.iter().map(|token| token.as_bytes().to_vec()).collect()
    }

    #[test]
    fn only_the_whole_token_is_taken() {
        let tokens = Tokens::new(&given(&["first", "second"]), &[]).unwrap();
        assert_eq!(tokens.find(b"first"), Some(number(1)));
        assert_eq!(tokens.find(b"second"), Some(number(2)));
        for wrong in [&b""[..], b"firs", b"firstt", b"First", b"\xff", b"secont"] {
            assert_eq!(tokens.find(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn tokens_are_never_shown() {
        let tokens = Tokens::new(&given(&["hunter2"]), &[]).unwrap();
        assert_eq!(format!("{tokens:?}"), "1 tokens");
    }

    #[test]
    fn a_file_is_read_again_and_a_number_is_never_used_twice() {
        let path = crate::receive::tests::unique("tokens");
        std::fs::write(&path, "first\n\n  second \n").unwrap();
        let tokens = Tokens::new(&given(&["given"]), std::slice::from_ref(&path)).unwrap();
        let numbers = ["given", "first", "second"].map(|token| tokens.find(token.as_bytes()));
        assert_eq!(numbers, [1, 2, 3].map(|nth| Some(number(nth))));
        assert_eq!(tokens.refresh(), Changes::default());

        // One more takes nobody's place.
        std::fs::write(&path, "third\nsecond\nfirst\n").unwrap();
        assert_eq!(tokens.refresh(), Changes::default());
        assert_eq!(tokens.find(b"first"), Some(number(2)));

        std::fs::write(&path, "third\n").unwrap();
        assert!(tokens.refresh().revoked);
        assert!(
            tokens.is_taken(number(1))
                && !tokens.is_taken(number(2))
                && tokens.find(b"first").is_none()
        );
        std::fs::write(&path, "first\nthird\n").unwrap();
        assert!(!tokens.refresh().revoked);
        assert_eq!(tokens.find(b"first"), Some(number(5)), "it is another one now");

        // A file that is written in two steps locks nobody out, and lets nobody in.
        std::fs::write(&path, "").unwrap();
        let Changes { revoked, complaints } = tokens.refresh();
        assert!(!revoked && complaints[0].contains("holds no token"), "{complaints:?}");
        std::fs::remove_file(&path).unwrap();
        assert!(tokens.refresh().complaints[0].contains("cannot be read"));
        assert!(tokens.find(b"first").is_some() && !tokens.is_empty());
        assert_eq!(tokens.refresh(), Changes::default(), "it is said once");
    }
}
