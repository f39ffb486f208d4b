//! Each setting, its value, where it came from; then what went wrong.

use std::fmt;

use super::variables;

/// Every setting, its value (secrets masked) and where it came from; read it by `Display`.
///
/// `{}` is a table of the settings with the diagnostics below it, each after `! `; `{:#}` adds the
/// variables that this version honours.
///
/// ```
/// use trackside::telemetry::TelemetryConfig;
///
/// let report = TelemetryConfig::default().with_service_name("shop").resolve();
/// assert!(report.to_string().contains("shop"));
/// assert!(format!("{report:#}").contains("OTEL_BSP_SCHEDULE_DELAY"));
/// ```
#[derive(Clone, Debug)]
pub struct Report {
    settings: Vec<Setting>,
    diagnostics: Vec<String>,
}

#[derive(Clone, Debug)]
struct Setting {
    name: String,
    value: String,
    origin: Origin,
}

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Argument,
    Variable(&'static str),
    /// A line of `OTEL_CONFIG_FILE`, and the variable that it stands for.
    File(&'static str, usize),
    /// Inferred from what the host registered.
    Registration,
    /// Seen in the system.
    Detected,
    /// A method of the handle's.
    Running(&'static str),
    Default,
}

impl Report {
    /// Nothing to say yet.
    pub(super) const fn new() -> Self {
        Self { settings: Vec::new(), diagnostics: Vec::new() }
    }

    /// What there is to say about the configuration, oldest first.
    pub(crate) fn diagnostics(&self) -> &[String] {
        &self.diagnostics
    }

    /// Each setting: its name, its value, where that came from.
    #[allow(dead_code, reason = "the doctor's")]
    pub(crate) fn settings(&self) -> impl Iterator<Item = (&str, &str, String)> {
        let setting = |setting: &Setting| setting.origin.to_string();
        self.settings.iter().map(move |each| (&*each.name, &*each.value, setting(each)))
    }

    /// Adds a diagnostic, once.
    pub(crate) fn note(&mut self, line: String) {
        let line = one_line(&line);
        if !self.diagnostics.contains(&line) {
            self.diagnostics.push(line);
        }
    }

    /// A setting that was changed while telemetry runs, by a method of the handle's.
    pub(crate) fn change(&mut self, name: &str, value: &str, by: &'static str) {
        if let Some(setting) = self.settings.iter_mut().find(|setting| setting.name == name) {
            setting.value = one_line(value);
            setting.origin = Origin::Running(by);
        }
    }

    /// Adds a setting; a secret must be masked before it comes here.
    pub(super) fn set(&mut self, name: &str, value: impl Into<String>, origin: Origin) {
        let (name, value) = (one_line(name), one_line(&value.into()));
        self.settings.push(Setting { name, value, origin });
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows = vec![["setting".to_owned(), "value".to_owned(), "from".to_owned()]];
        rows.extend(self.settings.iter().map(|setting| {
            [setting.name.clone(), setting.value.clone(), setting.origin.to_string()]
        }));
        write_aligned(f, &rows)?;
        for line in &self.diagnostics {
            write!(f, "\n! {line}")?;
        }
        if f.alternate() {
            let mut rows = vec![["variable", "kind", "default", "meaning"].map(str::to_owned)];
            rows.extend(
                variables::table()
                    .iter()
                    .map(|row| [row.name, row.kind, row.default, row.meaning].map(str::to_owned)),
            );
            f.write_str("\n\n")?;
            write_aligned(f, &rows)?;
        }
        Ok(())
    }
}

impl Origin {
    /// The variable, or the one that a line of a file stands for.
    pub(super) const fn variable(self) -> Option<&'static str> {
        match self {
            Self::Variable(name) | Self::File(name, _) => Some(name),
            _ => None,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Argument => "argument",
            Self::Variable(name) | Self::Running(name) => name,
            Self::File(_, 0) => "OTEL_CONFIG_FILE",
            Self::File(_, line) => return write!(f, "OTEL_CONFIG_FILE, line {line}"),
            Self::Registration => "register_service",
            Self::Detected => "detected",
            Self::Default => "default",
        })
    }
}

/// One row a line, without a newline at the end; the last column is as long as it is.
fn write_aligned<const N: usize>(f: &mut fmt::Formatter<'_>, rows: &[[String; N]]) -> fmt::Result {
    // One long value must not push the last column out of sight for all the others.
    const WIDEST: usize = 60;
    let width = |column: usize| {
        let widths = rows.iter().map(|row| row[column].chars().count());
        widths.filter(|width| *width <= WIDEST).max().unwrap_or(0)
    };
    for (index, row) in rows.iter().enumerate() {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            line.push_str(&format!("{cell:<width$}  ", width = width(column)));
        }
        let separator = if index == 0 { "" } else { "\n" };
        write!(f, "{separator}{}", line.trim_end())?;
    }
    Ok(())
}

/// Control characters are escaped, so that no value can forge a line.
fn one_line(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut line, character| {
        match character.is_control() {
            true => line.extend(character.escape_default()),
            false => line.push(character),
        }
        line
    })
}
