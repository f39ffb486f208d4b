//! The wait between two attempts of a sink.

use std::time::Duration;

use tokio::time::timeout;

use super::Queue;
use crate::export::Policy;

/// Waits as the peer asked, or else by our own policy; a shutdown ends our own wait.
pub(super) async fn pause(queue: &Queue, failures: u32, asked: Option<Duration>) {
    match asked {
        Some(wait) => tokio::time::sleep(wait).await,
        None if queue.is_urgent() => tokio::time::sleep(Policy::PROMPT.wait(1)).await,
        // Ended early or not: the next attempt follows.
        None => drop(timeout(Policy::PROMPT.wait(failures), queue.hurried()).await),
    }
}
