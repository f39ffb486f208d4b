//! The subscriber that `init` installs where the process has none.

use std::sync::atomic::{AtomicBool, Ordering};

use tracing_subscriber::Registry;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;

use super::otel::STOCK_LAYER;
use super::tracing::{Layer, layer};

static INSTALLED: AtomicBool = AtomicBool::new(false);

/// Whether the process's subscriber is ours: it shows nothing to anybody.
pub(crate) fn is_installed() -> bool {
    INSTALLED.load(Ordering::Relaxed)
}

/// Installs a subscriber unless the process has one, and says what became of it.
pub(crate) fn install() -> Option<&'static str> {
    const OURS: &str = "tracing: a subscriber of this crate is installed, for level INFO and above; \
        set one of your own before init, with trackside::layer(), for anything else";
    if is_installed() {
        return Some(OURS);
    }
    // Setting fails where there is one; a host's own is never replaced.
    let subscriber = Registry::default().with(LevelFilter::INFO).with(layer());
    if tracing::subscriber::set_global_default(subscriber).is_ok() {
        INSTALLED.store(true, Ordering::Relaxed);
        return Some(OURS);
    }
    let has_layer = STOCK_LAYER.load(Ordering::Relaxed)
        || tracing::dispatcher::get_default(|host| host.is::<Layer>());
    (!has_layer).then_some(
        "tracing: the process has a subscriber, which stays; add trackside::layer() to it for its \
         spans and events",
    )
}
