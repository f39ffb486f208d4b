//! What metrics, units and labels are called there.

/// Units of UCUM, and the words for them.
const UNITS: [(&str, &str); 26] = [
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("TiBy", "tebibytes"),
    ("KBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("GBy", "gigabytes"),
    ("TBy", "terabytes"),
    ("m", "meters"),
    ("V", "volts"),
    ("A", "amperes"),
    ("J", "joules"),
    ("W", "watts"),
    ("g", "grams"),
    ("Cel", "celsius"),
    ("Hz", "hertz"),
    ("%", "percent"),
    ("$", "dollars"),
];

/// What a unit in a denominator is called.
const EACH: [(&str, &str); 7] = [
    ("s", "second"),
    ("m", "minute"),
    ("h", "hour"),
    ("d", "day"),
    ("w", "week"),
    ("mo", "month"),
    ("y", "year"),
];

/// Letters, digits and `_`, no digit first; a run of others is one `_`.
pub(super) fn label(text: &str) -> String {
    sanitized(text, false)
}

/// The family of a metric, with its unit and without `_total`; and the unit if the name ends with it.
pub(super) fn family(name: &str, unit: &str, is_counter: bool, is_gauge: bool) -> (String, String) {
    let mut name = sanitized(name, true);
    if is_counter {
        if let Some(rest) = name.strip_suffix("_total").filter(|rest| !rest.is_empty()) {
            name = rest.to_owned();
        }
    }
    let unit = match unit {
        "1" if is_gauge => "ratio".to_owned(),
        unit => words(unit),
    };
    if !unit.is_empty() && name != unit && !name.ends_with(&format!("_{unit}")) {
        name = format!("{name}_{unit}");
    }
    (name, unit)
}

/// `By/s` is `bytes_per_second`; what stands in braces is a remark.
fn words(unit: &str) -> String {
    let word = |unit: &str, table: &[(&str, &str)]| {
        let bare = unit.split('{').next().unwrap_or_default().trim();
        let known = table.iter().find(|(short, _)| *short == bare);
        known.map_or_else(|| sanitized(bare, false), |(_, word)| (*word).to_owned())
    };
    let found = match unit.split_once('/') {
        Some((of, each)) => match (word(of, &UNITS), word(each, &EACH)) {
            (of, each) if each.is_empty() => of,
            (of, each) if of.is_empty() || of == "1" => format!("per_{each}"),
            (of, each) => format!("{of}_per_{each}"),
        },
        None => word(unit, &UNITS),
    };
    let found = found.trim_matches('_').to_owned();
    if found == "1" { String::new() } else { found }
}

fn sanitized(text: &str, with_colon: bool) -> String {
    let mut name = String::with_capacity(text.len());
    for character in text.chars() {
        let is_digit = character.is_ascii_digit();
        if is_digit && name.is_empty() {
            name.push('_');
        }
        match character {
            _ if character.is_ascii_alphabetic() || is_digit => name.push(character),
            ':' if with_colon => name.push(':'),
            _ if !name.ends_with('_') => name.push('_'),
            _ => {}
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_their_units() {
        let table = [
            ("http.server.duration", "ms", false, false, "http_server_duration_milliseconds"),
            ("disk.io", "By", true, false, "disk_io_bytes"),
            ("disk.io.bytes", "By", true, false, "disk_io_bytes"),
            ("requests_total", "{request}", true, false, "requests"),
            ("total", "", true, false, "total"),
            ("a..b  c", "", false, false, "a_b_c"),
            ("7up", "", false, false, "_7up"),
            ("load", "1", false, true, "load_ratio"),
            ("load", "1", true, false, "load"),
            ("speed", "m/s", false, true, "speed_meters_per_second"),
            ("rate", "{packet}/s", false, true, "rate_per_second"),
            ("w\u{e4}rme", "Cel", false, true, "w_rme_celsius"),
        ];
        for (name, unit, is_counter, is_gauge, expected) in table {
            assert_eq!(family(name, unit, is_counter, is_gauge).0, expected, "{name} {unit}");
        }
        assert_eq!(label("http.method"), "http_method");
    }
}
