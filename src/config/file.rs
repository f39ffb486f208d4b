//! Files of JSON lines as a destination.

use super::parse::Checked;
use super::plan::{ExporterPlan, FilePlan, Rotation};
use super::report::Origin;
use super::resolve::Resolver;
use super::signal::Signal;
use crate::error::Error;

impl Resolver<'_> {
    /// `Err` is why there can be no file.
    pub(super) fn file(&mut self, signal: &Signal) -> Checked<FilePlan> {
        let Some(directory) = &self.config.file_directory else {
            self.output(signal, "standard output", Origin::Default);
            return Ok(FilePlan { path: None, rotation: Rotation::default() });
        };
        let path = directory.join(format!("{}.jsonl", signal.name));
        self.output(signal, &path.display().to_string(), Origin::Argument);
        let (rotation, origin) = match self.config.file_rotation {
            Some(rotation) => (rotation, Origin::Argument),
            None => (Rotation::default(), Origin::Default),
        };
        let Rotation { max_bytes, max_age, kept } = rotation;
        let shown = format!("{max_bytes} bytes or {} s, {kept} kept", max_age.as_secs_f64());
        self.report.set(&format!("{}.file.rotation", signal.name), shown, origin);
        Ok(FilePlan { path: Some(path), rotation })
    }

    /// The exporter whose name says that it is standard output.
    pub(super) fn stdout(&mut self, signal: &Signal) -> ExporterPlan {
        self.output(signal, "standard output", Origin::Variable(signal.exporter.name));
        ExporterPlan::File(FilePlan { path: None, rotation: Rotation::default() })
    }

    fn output(&mut self, signal: &Signal, shown: &str, origin: Origin) {
        self.report.set(&format!("{}.file.output", signal.name), shown, origin);
    }

    /// Arguments are checked whether or not there is a file.
    pub(super) fn check_file_arguments(&self) -> Result<(), Error> {
        if let Some(directory) = &self.config.file_directory {
            if directory.as_os_str().is_empty() {
                let remedy = "name a directory; `.` is the current one";
                return Err(Error::argument("with_file_directory", "", remedy));
            }
        }
        let Some(Rotation { max_bytes, max_age, .. }) = self.config.file_rotation else {
            return Ok(());
        };
        if max_bytes == 0 || max_age.is_zero() {
            let shown = format!("{max_bytes}, {max_age:?}");
            let remedy = "a file needs room for a line and time to take it; give more than 0";
            return Err(Error::argument("with_file_rotation", &shown, remedy));
        }
        Ok(())
    }
}
