//! The machine.

use super::Claim;

/// Its name, on Linux, and its processor.
pub(super) fn detect(claim: &mut Claim<'_>) {
    if let Ok(name) = std::fs::read_to_string("/proc/sys/kernel/hostname") {
        claim("host.name", name.trim());
    }
    claim("host.arch", architecture(std::env::consts::ARCH));
}

/// The machine's own id. Who knows it can tell a machine again, so that it is told on request only.
pub(super) fn detect_id(claim: &mut Claim<'_>) {
    let files = ["/etc/machine-id", "/var/lib/dbus/machine-id"];
    let mut ids = files.iter().filter_map(|file| std::fs::read_to_string(file).ok());
    if let Some(id) = ids.find(|id| !id.trim().is_empty()) {
        claim("host.id", id.trim());
    }
}

/// As the semantic conventions call it.
fn architecture(rust: &str) -> &str {
    match rust {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "arm" => "arm32",
        "powerpc" => "ppc32",
        "powerpc64" => "ppc64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::architecture;

    #[test]
    fn processors_have_the_names_of_the_conventions() {
        for (rust, name) in
            [("x86_64", "amd64"), ("aarch64", "arm64"), ("x86", "x86"), ("s390x", "s390x")]
        {
            assert_eq!(architecture(rust), name);
        }
    }
}
