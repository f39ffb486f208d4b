//! A build without the feature `config-file`.

use std::path::Path;

use super::given::Given;

/// Whether this build can.
#[cfg(test)]
pub(super) const SUPPORTED: bool = false;

/// What a file says.
pub(super) struct File {
    pub(super) given: Vec<Given>,
    pub(super) notes: Vec<String>,
    pub(super) referred: Vec<String>,
}

/// `Err` is why it cannot be read.
pub(super) fn read(
    _path: &Path,
    _environment: &dyn Fn(&str) -> Option<String>,
) -> Result<File, String> {
    Err("this build reads no file of configuration, which is the feature `config-file`; switch it on, or \
         leave the variable out"
        .to_owned())
}
