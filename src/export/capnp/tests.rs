//! The exporter against a receiver that does as it is told.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::timeout;

use super::super::frame::{Frame, Outcome};
use super::*;
use crate::config::plan::{CapnpPlan, Compression, Target, Token};
use crate::tls::Certificates;

mod columns;
mod evolution;
mod foreign;
mod links;
mod login;
mod outcomes;
mod receiver;
mod window;

use receiver::{Receiver, Step};

/// Long for anything that should happen at all.
const AMPLE: Duration = Duration::from_secs(30);

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, async { timeout(AMPLE, work).await.expect("in time") })
}

fn plan(address: SocketAddr) -> CapnpPlan {
    CapnpPlan {
        target: Target::Tcp { host: address.ip().to_string(), port: address.port() },
        token: None,
        timeout: Some(Duration::from_secs(10)),
        compression: Compression::None,
        certificates: Certificates::default(),
    }
}

fn exporter(plan: &CapnpPlan) -> Rc<CapnpExporter> {
    Rc::new(CapnpExporter::new(plan, Signal::Traces, None, &Links::new()))
}

fn frame(sequence: u64, body: impl Into<Bytes>) -> Frame {
    Frame::new(body.into().into(), 10, 7, sequence)
}

fn delivered() -> Outcome {
    Outcome::Delivered { rejected: 0, message: None }
}

/// Sends in a task of its own.
fn spawn(exporter: &Rc<CapnpExporter>, frame: Frame) -> tokio::task::JoinHandle<Outcome> {
    let exporter = Rc::clone(exporter);
    spawn_local(async move { exporter.send(&frame).await })
}

/// The error and whether the frame may have got there.
fn retried(outcome: Outcome) -> (String, bool) {
    match outcome {
        Outcome::Retry { error, sent, .. } => (error, sent),
        other => panic!("{other:?}"),
    }
}

fn refused(outcome: Outcome) -> String {
    match outcome {
        Outcome::Refused { error } => error,
        other => panic!("{other:?}"),
    }
}
