//! The operating system.

use super::Claim;

pub(super) fn detect(claim: &mut Claim<'_>) {
    claim("os.type", kind(std::env::consts::OS));
    let files = ["/etc/os-release", "/usr/lib/os-release"];
    if let Some(text) = files.iter().find_map(|file| std::fs::read_to_string(file).ok()) {
        release(&text, claim);
    }
}

/// As the semantic conventions call it.
fn kind(rust: &str) -> &str {
    match rust {
        "macos" => "darwin",
        "dragonfly" => "dragonflybsd",
        other => other,
    }
}

/// A file of shell assignments, see os-release(5).
fn release(text: &str, claim: &mut Claim<'_>) {
    for line in text.lines() {
        let Some((name, value)) = line.trim().split_once('=') else { continue };
        let key = match name {
            "NAME" => "os.name",
            "VERSION_ID" => "os.version",
            "PRETTY_NAME" => "os.description",
            _ => continue,
        };
        claim(key, value.trim_matches(['"', '\'']));
    }
}

#[cfg(test)]
mod tests {
    use super::{kind, release};

    #[test]
    fn a_release_has_name_version_and_description() {
        let text = "PRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nNAME='Debian GNU/Linux'\n\
            # VERSION_ID=1\nVERSION_ID=13\nID=debian\nbroken\n";
        let mut found = Vec::new();
        release(text, &mut |key, value| found.push(format!("{key}={value}")));
        let expected = [
            "os.description=Debian GNU/Linux 13 (trixie)",
            "os.name=Debian GNU/Linux",
            "os.version=13",
        ];
        assert_eq!(found, expected);
        assert_eq!((kind("macos"), kind("linux")), ("darwin", "linux"));
    }
}
