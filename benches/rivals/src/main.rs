//! The same work by trackside and by its peers, in one run.
//!
//! `rivals run [--rounds N] [--record FILE] [TASK..]`: every variant in a process of its own, interleaved; one
//! table with ratios, and a row for each variant in FILE. `rivals one TASK VARIANT MODE` is one such process.
//! Needs valgrind for the column of instructions.

mod harness;
mod log;
mod metric;
mod report;
mod rpc;
mod run;

use std::process::ExitCode;

use harness::{Mode, Variant};

/// Every task, with its variants; the first of each is trackside.
fn tasks() -> Vec<(&'static str, Vec<Variant>)> {
    vec![("span", rpc::variants()), ("metric", metric::variants()), ("log", log::variants())]
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["one", task, variant, mode] => one(task, variant, mode),
        ["run", rest @ ..] => run::run(rest),
        _ => {
            eprintln!("usage: rivals run [--rounds N] [--record FILE] [TASK..]");
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
