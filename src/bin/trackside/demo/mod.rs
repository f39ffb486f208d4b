//! `trackside demo`: a client calls a host, and both tell this process, the receiver, what they did.

mod child;
mod show;

use std::error::Error;

use super::rpc_host::{client, host, process};

/// What `demo` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
}

/// The other two processes; started by the first one.
#[derive(Debug, clap::Subcommand)]
enum Role {
    #[command(hide = true)]
    Host { address: String },
    #[command(hide = true)]
    Client { address: String },
}

pub(crate) fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    match arguments.role {
        None => show::run(),
        Some(Role::Host { address }) => process::run("demo-host", host::run(&address)),
        Some(Role::Client { address }) => process::run("demo-client", client::run(&address)),
    }
}
