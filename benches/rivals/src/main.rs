//! The same work by trackside and by its peers, in one run.
//!
//! `rivals run [--rounds N] [--record FILE] [TASK..]`: every variant in a process of its own, interleaved; one
//! table with ratios, and a row for each variant in FILE. `rivals one TASK VARIANT MODE` is one such process;
//! `rivals table FILE` and `rivals readme FILE` print a record as that table and as the README's.
//! Needs valgrind for the column of instructions.

#[path = "../../wire/src/case.rs"]
#[allow(dead_code, reason = "which exporters there are is that benchmark's")]
mod case;
mod encode;
mod harness;
#[path = "../../load/src/items.rs"]
#[allow(dead_code, reason = "spans are counted elsewhere")]
mod items;
mod log;
mod metric;
mod readme;
mod record;
mod report;
mod rpc;
mod run;
mod sink;
#[path = "../../wire/src/spans.rs"]
mod spans;

use std::error::Error;
use std::process::ExitCode;

use harness::{Mode, Variant};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Every task, with its variants; the first of each is trackside.
fn tasks() -> Vec<(&'static str, Vec<Variant>)> {
    vec![
        ("span", rpc::variants()),
        ("metric", metric::variants()),
        ("log", log::variants()),
        ("encode", encode::variants()),
    ]
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["one", task, variant, mode] => one(task, variant, mode),
        ["run", rest @ ..] => run::run(rest),
        ["table", file] => show(file, report::table),
        ["readme", file] => show(file, readme::tables),
        _ => {
            eprintln!(
                "usage: rivals run [--rounds N] [--record FILE] [TASK..] | table FILE | readme FILE"
            );
            ExitCode::FAILURE
        }
    }
}

fn show(file: &str, of: fn(&[report::Row]) -> String) -> ExitCode {
    match record::read(file) {
        Ok(rows) => {
            print!("{}", of(&rows));
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("rivals: FAILED: {file}: {why}");
            ExitCode::FAILURE
        }
    }
}

fn one(task: &str, variant: &str, mode: &str) -> ExitCode {
    let found = tasks().into_iter().find(|(name, _)| *name == task);
    let variants = found.map(|(_, variants)| variants).unwrap_or_default();
    let variant = variants.into_iter().find(|one| one.name == variant);
    match (variant, Mode::parse(mode)) {
        (Some(variant), Some(mode)) => {
            (variant.run)(mode);
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!(
                "rivals: there is no {task} {variant:?} in mode {mode}",
                variant = words_of(task)
            );
            ExitCode::FAILURE
        }
    }
}

fn words_of(task: &str) -> Vec<&'static str> {
    let found = tasks().into_iter().find(|(name, _)| *name == task);
    found.map(|(_, variants)| variants.iter().map(|one| one.name).collect()).unwrap_or_default()
}
