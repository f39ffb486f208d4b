//! Metrics that are fetched: each scrape is a collection of its own, on this thread.

use std::sync::Arc;

use tokio::task::{JoinHandle, spawn_local};

use crate::config::plan::{ExporterPlan, Plan, PrometheusPlan};
use crate::encode::openmetrics::Page;
use crate::export::prometheus;

use super::shared::Shared;

/// A task for each place where they can be fetched. What is fetched is in no account: it may be fetched
/// again, by anybody.
pub(super) fn spawn(plan: &Plan, shared: &Arc<Shared>) -> Vec<JoinHandle<()>> {
    let places = plan.metrics.exporters.iter().filter_map(|exporter| match exporter {
        ExporterPlan::Prometheus(place) => Some(place),
        _ => None,
    });
    let serve = |place: &PrometheusPlan| {
        let (of_page, resource) = (Arc::clone(shared), plan.resource.clone());
        let page = move || {
            let mut page = Page::new(&resource);
            of_page.collect(|metric| page.metric(metric));
            page.finish()
        };
        let diagnostics = Arc::clone(&shared.diagnostics);
        spawn_local(prometheus::serve(place.host.clone(), place.port, diagnostics, page))
    };
    places.map(serve).collect()
}
