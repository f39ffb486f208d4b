//! A build without the feature `prometheus` serves nothing.

use std::sync::Arc;

use crate::health::diagnostics::Diagnostics;

pub(super) const SUPPORTED: bool = false;

/// No plan asks for it.
pub(crate) async fn serve(
    _host: String,
    _port: u16,
    _diagnostics: Arc<Diagnostics>,
    _page: impl Fn() -> String + 'static,
) {
}
