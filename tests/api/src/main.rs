//! Prints the public API that a file of rustdoc's JSON tells of, one line an item, in order.

use std::error::Error;

/// Traits that only the compiler knows of; a host cannot name them.
const INTERNAL: [&str; 3] = ["Freeze", "UnsafeUnpin", "StructuralPartialEq"];

fn main() -> Result<(), Box<dyn Error>> {
    let json = std::env::args_os().nth(1).ok_or("usage: api <rustdoc's JSON>")?;
    let api = public_api::Builder::from_rustdoc_json(json).omit_blanket_impls(true).build()?;
    let is_internal = |line: &str| {
        INTERNAL.iter().any(|name| line.contains(&format!(" core::marker::{name} for ")))
    };
    for line in api.items().map(ToString::to_string).filter(|line| !is_internal(line)) {
        println!("{line}");
    }
    Ok(())
}
