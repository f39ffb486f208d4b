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

const HEAD: &str = "| variable | kind | default | meaning |";

/// The rows that the manual has to have.
fn rows() -> Vec<String> {
    let variables = variables();
    assert!(variables.len() > 20, "{variables:?}");
    variables
        .iter()
        .map(|[name, kind, default, meaning]| {
            let default = if default.is_empty() { default } else { &format!("`{default}`") };
            format!("| `{name}` | {kind} | {default} | {meaning} |")
        })
        .collect()
}

#[test]
fn the_table_of_variables_is_the_codes() {
    let expected = rows();
    let written: Vec<&str> = MANUAL
        .lines()
        .skip_while(|line| *line != HEAD)
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .collect();
    assert_eq!(written, expected, "`scripts/variables` writes the table anew");
}

#[test]
#[ignore = "writes the table into reference.md: `scripts/variables` runs it"]
fn the_table_of_variables_is_written() {
    let before: Vec<&str> = MANUAL.lines().take_while(|line| *line != HEAD).collect();
    let after = MANUAL.lines().skip_while(|line| *line != HEAD).skip(2);
    let after: Vec<&str> = after.skip_while(|line| line.starts_with('|')).collect();
    let head = [HEAD, "|---|---|---|---|"];
    let rows = rows();
    let table = head.into_iter().chain(rows.iter().map(String::as_str));
    let lines: Vec<&str> = before.into_iter().chain(table).chain(after).collect();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/reference.md");
    std::fs::write(path, lines.join("\n") + "\n").expect("the manual can be written");
}

#[test]
fn every_variable_has_a_row_among_the_requirements() {
    const REQUIREMENTS: &str = include_str!("requirements.md");
    let mut missing = variables().into_iter().map(|[name, ..]| name).collect::<Vec<_>>();
    missing.retain(|name| !REQUIREMENTS.contains(&format!("\n| `{name}` | `src/")));
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_kind_of_variable_is_explained() {
    for [name, kind, ..] in variables() {
        let has_row = MANUAL.lines().any(|line| {
            let first = line.strip_prefix("| ").and_then(|line| line.split(" | ").next());
            first.is_some_and(|kinds| kinds.split(", ").any(|it| it == format!("`{kind}`")))
        });
        assert!(has_row, "{name}: no row for `{kind}`");
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
    let anchor = |title: &str| title.to_lowercase().replace(' ', "-").replace('\'', "");
    let titles: Vec<String> =
        MANUAL.lines().filter_map(|line| line.strip_prefix("# ")).map(anchor).collect();
    let links = MANUAL.split("](#").skip(1).map(|rest| rest.split(')').next().unwrap_or_default());
    for link in links {
        assert!(titles.iter().any(|title| title == link), "#{link} is no chapter: {titles:?}");
    }
}
