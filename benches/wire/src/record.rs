//! A dated record: comma-separated values with the machine and the command in each row.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::Result;
use crate::cpu;

pub struct Record {
    file: BufWriter<File>,
    common: String,
}

impl Record {
    pub fn create(path: &str, columns: &str, command: &str) -> Result<Self> {
        let mut file = BufWriter::new(File::create(path)?);
        writeln!(file, "date,machine,load,command,{columns}")?;
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().unwrap_or_default();
        let common = format!("{},{},{load},{command}", today(), cpu::machine().replace(',', " "));
        Ok(Self { file, common })
    }

    pub fn row(&mut self, values: &str) -> Result<()> {
        Ok(writeln!(self.file, "{},{values}", self.common)?)
    }

    pub fn finish(mut self) -> Result<()> {
        Ok(self.file.flush()?)
    }
}

/// The date, year first.
fn today() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    // Days since the first of March of the year 0, in eras of 400 years.
    let days = seconds / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The one in the middle.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
