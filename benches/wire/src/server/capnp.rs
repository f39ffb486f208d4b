//! Ours, as `trackside receive --count` has it, on one core.

use trackside::receive::{Durability, Receiver, Sink};

use super::{answer, say};
use crate::Result;

/// It answers once the sink has read every field, or the collector at `forward` has answered.
pub fn serve(forward: Option<&str>) -> Result<()> {
    let sink = forward.map_or_else(Sink::counting, Sink::forward);
    let builder = Receiver::builder().listen("127.0.0.1:0").threads(1).sink(sink);
    let running = builder.durability(Durability::Forwarded).start()?;
    let address = running.addresses()[0].to_string();
    say(address.trim_start_matches("capnp://"));
    answer(&move || running.counts().sinks[0].traces.forwarded);
    Ok(())
}
