//! `generate DIRECTORY FILE..`: Rust code for schema files, written into DIRECTORY. Needs the `capnp` tool.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(directory) = arguments.next() else {
        eprintln!("usage: generate DIRECTORY FILE..");
        return ExitCode::FAILURE;
    };
    let mut command = capnpc::CompilerCommand::new();
    command.src_prefix("schema").output_path(directory);
    command.default_parent_module(vec!["schema".to_owned()]);
    arguments.for_each(|file| {
        command.file(file);
    });
    match command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("generate: {error}");
            ExitCode::FAILURE
        }
    }
}
