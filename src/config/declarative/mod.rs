//! The declarative configuration of the specification: a file, read into what the variables would say. Each value
//! goes through the rule of its variable, so that both ways mean the same.

mod destinations;
mod providers;
mod reader;
mod resource;
mod substitution;
#[cfg(test)]
mod tests;
mod yaml;

use std::fs;
use std::io::Read as _;
use std::path::Path;

use super::given::Given;
use reader::Reader;

/// Whether this build can.
#[cfg(test)]
pub(super) const SUPPORTED: bool = true;

/// No file of configuration is larger.
const MOST: u64 = 1024 * 1024;

/// What a file says.
#[derive(Debug)]
pub(super) struct File {
    pub(super) given: Vec<Given>,
    /// What of it is not used, and where it stands.
    pub(super) notes: Vec<String>,
    /// Variables that it refers to.
    pub(super) referred: Vec<String>,
}

/// `Err` is why it cannot be read; nothing of it counts then.
pub(super) fn read(
    path: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<File, String> {
    let shown = path.display();
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => format!("{shown}: there is no such file; correct the path"),
        _ => format!("{shown}: cannot be read: {error}"),
    };
    // A pipe would never end.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(format!("{shown}: not a file; name one in YAML"));
    }
    let mut text = String::new();
    let opened = fs::File::open(path).map_err(failed)?;
    opened.take(MOST + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > MOST {
        return Err(format!("{shown}: larger than any configuration; name another file"));
    }
    let (root, referred) =
        yaml::parse(&text, environment).map_err(|why| format!("{shown}: {why}"))?;
    let mut reader = Reader::default();
    reader.root(&root).map_err(|why| format!("{shown}: {why}"))?;
    Ok(File { given: reader.given, notes: reader.notes, referred })
}
