//! A build without the feature `grpc`.

use std::time::Duration;

use super::{Frame, Outcome};
use crate::config::plan::OtlpPlan;

/// Whether this build can.
pub(crate) const SUPPORTED: bool = false;

/// Never made: a plan that wants it is refused before.
pub(crate) struct GrpcExporter;

impl GrpcExporter {
    pub(crate) fn new(_plan: &OtlpPlan, _attempt_limit: Option<Duration>) -> Self {
        Self
    }

    pub(crate) async fn send(&mut self, _frame: &Frame) -> Outcome {
        Outcome::Refused { error: super::NO_GRPC.to_owned() }
    }
}
