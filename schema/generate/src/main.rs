//! `generate library|next|host DIRECTORY FILE..`: Rust code for schema files, written into DIRECTORY. Needs the `capnp` tool.
//!
//! `library` is this crate's own schema, `next` what a later one might be, for tests. `host` is anybody's that embeds `context.capnp`: the code for that is in
//! `trackside`; a host calls `capnpc` this way from a build script.

use std::path::Path;
use std::process::ExitCode;

/// The file id of `context.capnp`.
const CONTEXT: u64 = 0xf637_7c22_065b_f9e9;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [whose, directory, files @ ..] = &arguments[..] else {
        eprintln!("usage: generate library|next|host DIRECTORY FILE..");
        return ExitCode::FAILURE;
    };
    let mut command = capnpc::CompilerCommand::new();
    command.output_path(directory);
    match whose.as_str() {
        "library" => command.default_parent_module(vec!["schema".to_owned()]),
        "next" => command.default_parent_module(vec!["schema".to_owned(), "next".to_owned()]),
        _ => command.crate_provides("trackside", [CONTEXT]).import_path("schema"),
    };
    for file in files {
        if let Some(prefix) = Path::new(file).parent() {
            command.src_prefix(prefix);
        }
        command.file(file);
    }
    match command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("generate: {error}");
            ExitCode::FAILURE
        }
    }
}
