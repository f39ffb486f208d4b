//! The subscriber that `init` installs where the process has none.

use std::sync::atomic::{AtomicBool, Ordering};

use tracing::subscriber::Interest;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::Registry;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, SubscriberExt};

use super::super::log_filter;
use super::events::severity;
use super::otel::STOCK_LAYER;
use super::tracing::{Layer, layer};

static INSTALLED: AtomicBool = AtomicBool::new(false);

/// What passes to our subscriber: INFO and above; of events, what the filter of log records says where there is one.
struct Threshold;

impl Threshold {
    fn passes(metadata: &Metadata<'_>) -> bool {
        match metadata.is_event() && log_filter::is_set() {
            // The logger of what comes from `log` is seen later.
            true if metadata.target() == "log" => true,
            true => log_filter::admits(metadata.target(), severity(*metadata.level())),
            false => *metadata.level() <= Level::INFO,
        }
    }
}

impl<S: Subscriber> tracing_subscriber::Layer<S> for Threshold {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if Self::passes(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        Self::passes(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(if log_filter::is_set() { LevelFilter::TRACE } else { LevelFilter::INFO })
    }
}

/// The filter of log records has changed: what was asked once is asked again.
pub(crate) fn follow() {
    if is_installed() {
        tracing::callsite::rebuild_interest_cache();
    }
}

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
    let subscriber = Registry::default().with(Threshold).with(layer());
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
