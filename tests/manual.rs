//! The manual says what the code has: its tables are compared with their sources.

#![cfg(feature = "telemetry")]

use trackside::telemetry::TelemetryConfig;

const MANUAL: &str = include_str!("../reference.md");
const MANIFEST: &str = include_str!("../Cargo.toml");

/// Name, kind, default and meaning of every variable, as `{:#}` of the report shows them.
fn variables() -> Vec<[String; 4]> {
    let report = format!("{:#}", TelemetryConfig::default().resolve());
    let mut lines = report.lines().skip_while(|line| !line.starts_with("variable "));
    let head = lines.next().expect("the report ends with the table of variables");
    let starts = ["variable", "kind", "default", "meaning"]
        .map(|title| head.find(title).expect("the table has this column"));
    let ends = [starts[1], starts[2], starts[3], usize::MAX];
    lines
        .map(|line| {
            std::array::from_fn(|column| {
                let end = ends[column].min(line.len());
                line.get(starts[column]..end).unwrap_or_default().trim().to_owned()
            })
        })
        .collect()
}

#[test]
fn the_table_of_variables_is_the_codes() {
    let variables = variables();
    assert!(variables.len() > 20, "{variables:?}");
    let expected: Vec<String> = variables
        .iter()
        .map(|[name, kind, default, meaning]| {
            let default = if default.is_empty() { default } else { &format!("`{default}`") };
            format!("| `{name}` | {kind} | {default} | {meaning} |")
        })
        .collect();
    let written: Vec<&str> = MANUAL
        .lines()
        .skip_while(|line| *line != "| variable | kind | default | meaning |")
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .collect();
    assert_eq!(written, expected, "the table in reference.md has to be:\n{}", expected.join("\n"));
}

#[test]
fn every_kind_of_variable_is_explained() {
    for [name, kind, ..] in variables() {
        assert!(MANUAL.contains(&format!("\n| `{kind}` | ")), "{name}: no row for `{kind}`");
    }
}

#[test]
fn every_dependency_has_a_reason() {
    let mut section = "";
    let mut found = 0;
    for line in MANIFEST.lines() {
        if line.starts_with('[') {
            section = line;
        } else if section.ends_with("dependencies]") {
            if let Some((name, _)) = line.split_once(" = ") {
                found += 1;
                assert!(MANUAL.contains(&format!("\n| `{name}` | ")), "no row for `{name}`");
            }
        }
    }
    assert!(found > 10, "{found} dependencies were found");
}

#[test]
fn the_versions_of_opentelemetry_are_those_of_the_manifest() {
    for name in
        ["opentelemetry", "opentelemetry_sdk", "opentelemetry-otlp", "tracing-opentelemetry"]
    {
        let line = MANIFEST.lines().find(|line| line.starts_with(&format!("{name} = {{")));
        let version = line.and_then(|line| line.split('"').nth(1)).expect("it has a version");
        assert!(MANUAL.contains(&format!("`{name}` {version}")), "{name} {version}");
    }
}

#[test]
fn links_within_the_manual_lead_somewhere() {
    let anchor = |title: &str| title.to_lowercase().replace(' ', "-");
    let titles: Vec<String> =
        MANUAL.lines().filter_map(|line| line.strip_prefix("# ")).map(anchor).collect();
    let links = MANUAL.split("](#").skip(1).map(|rest| rest.split(')').next().unwrap_or_default());
    for link in links {
        assert!(titles.iter().any(|title| title == link), "#{link} is no chapter: {titles:?}");
    }
}
