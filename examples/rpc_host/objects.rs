//! The objects and their handlers: one that is async, one that is not, one that is slow; and what they keep.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use trackside::telemetry::{self, Value, rpc};

use super::failure::Failure;

/// A counter under each name.
#[derive(Default)]
pub(crate) struct Objects {
    counters: RefCell<HashMap<String, i64>>,
}

impl Objects {
    pub(crate) async fn handle(
        &self,
        class: &str,
        object: &str,
        method: &str,
        payload: &[u8],
    ) -> Result<Vec<u8>, Failure> {
        match (class, method) {
            ("Counter", "add") => {
                rpc::handler(self.add(object, payload)).error_kind(Failure::kind).await
            }
            ("Text", "reverse") => rpc::handler_fn(|| reverse(payload)),
            ("Text", "ponder") => rpc::handler(ponder()).await,
            _ => Err(Failure::Unknown(format!("{class}.{method}"))),
        }
    }

    async fn add(&self, object: &str, payload: &[u8]) -> Result<Vec<u8>, Failure> {
        let text = std::str::from_utf8(payload)?;
        let Ok(amount) = text.parse::<i64>() else {
            // As a record of Python's `logging` would come: level, text, logger, line, thread, extras.
            let extras = [("object", Value::Str(object)), ("text", text.into())];
            telemetry::forward_log(30, "refused", "objects", 0, "MainThread", &extras);
            return Err(Failure::Argument("not a whole number"));
        };
        let sum = self.load(object).await.saturating_add(amount);
        self.store(object, sum).await;
        tracing::info!(target: "objects", object, sum, "counted");
        Ok(sum.to_string().into_bytes())
    }

    async fn load(&self, object: &str) -> i64 {
        let load = async {
            let _timer = rpc::storage("get");
            self.counters.borrow().get(object).copied().unwrap_or_default()
        };
        telemetry::instrument(load, "storage.get").await
    }

    async fn store(&self, object: &str, sum: i64) {
        let store = async {
            // It may be held while others run.
            let _timer = rpc::storage("put");
            tokio::time::sleep(Duration::from_millis(1)).await;
            self.counters.borrow_mut().insert(object.to_owned(), sum);
        };
        telemetry::instrument(store, "storage.put").await;
    }
}

fn reverse(payload: &[u8]) -> Result<Vec<u8>, Failure> {
    let text = std::str::from_utf8(payload)?;
    log::info!(target: "objects", "reversing {} bytes", text.len());
    Ok(text.chars().rev().collect::<String>().into_bytes())
}

/// Longer than any client waits.
async fn ponder() -> Result<Vec<u8>, Failure> {
    tracing::info!(target: "objects", "this takes a while");
    tokio::time::sleep(Duration::from_secs(600)).await;
    Ok(Vec::new())
}
