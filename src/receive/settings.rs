//! The settings of a receiver, checked: nothing is left to look at.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::address::Address;
use super::sink::SinkPlan;
use super::tokens::Tokens;
use crate::tls::Server;

/// What it means that a batch was accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// It is in the queues of all sinks: a receiver that is killed loses it.
    #[default]
    Memory,
    /// It is on disk. Not there yet.
    Disk,
    /// Every required sink has it.
    Forwarded,
}

/// All that `start` needs.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) addresses: Vec<Address>,
    pub(super) tokens: Arc<Tokens>,
    /// For the listeners that want it.
    pub(super) tls: Option<Arc<Server>>,
    pub(super) sinks: Vec<SinkPlan>,
    pub(super) durability: Durability,
    pub(super) threads: usize,
    pub(super) health: Option<SocketAddr>,
    pub(super) limits: Limits,
}

/// What peers may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Connections at one time.
    pub(super) connections: usize,
    /// A message before the log-in.
    pub(super) greeting_bytes: usize,
    /// A batch as it is sent.
    pub(super) batch_bytes: usize,
    /// A batch once it is decompressed.
    pub(super) uncompressed_bytes: usize,
    /// Messages of all connections that are being read or handled.
    pub(super) budget_bytes: usize,
    /// What one client may have unanswered.
    pub(super) window_batches: u32,
    pub(super) window_bytes: u64,
    /// How long a connection may take to log in.
    pub(super) login: Duration,
    /// After which a connection is asked to go, give or take an eighth.
    pub(super) age: Duration,
    /// How long a call waits for the sinks before it is answered "not yet".
    pub(super) answer: Duration,
    /// A sink that has taken nothing for so long is stuck.
    pub(super) stuck: Duration,
}

const MIB: usize = 1024 * 1024;

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            greeting_bytes: 64 * 1024,
            batch_bytes: 16 * MIB,
            uncompressed_bytes: 64 * MIB,
            budget_bytes: 256 * MIB,
            window_batches: 8,
            window_bytes: 8 * MIB as u64,
            login: Duration::from_secs(5),
            age: Duration::from_secs(10 * 60),
            answer: Duration::from_secs(8),
            stuck: Duration::from_secs(60),
        }
    }
}
