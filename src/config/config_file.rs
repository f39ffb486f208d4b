//! `OTEL_CONFIG_FILE`: what a file says takes the place of the variables.

use super::declarative;
use super::resolve::Resolver;
use super::variables::OTEL_CONFIG_FILE;

impl Resolver<'_> {
    /// Reads the file, if one is named. Where it cannot be used nothing is sent: to fall back to the variables
    /// would be another configuration than the one that was asked for.
    pub(super) fn take_file(&mut self) {
        let name = OTEL_CONFIG_FILE.name;
        let Some((path, origin)) = self.set(&[&OTEL_CONFIG_FILE]) else { return };
        let file = declarative::read(&path, &|name| match &self.config.variables {
            Some(variables) => {
                variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
            }
            None => std::env::var(name).ok(),
        });
        let declarative::File { given, notes, referred } = match file {
            Ok(file) => file,
            Err(why) => {
                let why = format!("{name}: {why}");
                self.report.note(why.clone());
                self.broken = Some(why);
                return;
            }
        };
        self.report.set("config_file", path.display().to_string(), origin);
        let is_ours = |name: &str| name.starts_with("OTEL_");
        let unread: Vec<_> = self
            .given
            .iter()
            .filter(|given| is_ours(&given.name) && !given.text.is_empty() && given.name != name)
            .filter(|given| !referred.contains(&given.name))
            .map(|given| given.name.clone())
            .collect();
        if !unread.is_empty() {
            self.report.note(format!(
                "{name}: the file takes the place of the variables; not read are {}",
                unread.join(", ")
            ));
        }
        // What is not of OpenTelemetry is no business of the file's.
        self.given.retain(|given| !is_ours(&given.name));
        self.given.extend(given);
        for note in notes {
            self.report.note(format!("{name}: {note}"));
        }
    }
}
