//! An HTTP client for the stock exporter, which the SDK calls on threads without a runtime.

use std::time::Duration;

use async_trait::async_trait;
use opentelemetry_http::hyper::HyperClient;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::runtime::{Builder, Runtime};

/// Its requests run on a runtime of their own, which is never dropped: the last clone may go inside of another one.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    runtime: &'static Runtime,
    client: HyperClient,
}

impl Client {
    pub(crate) fn start() -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let client = HyperClient::with_default_connector(Duration::from_secs(5), None);
        Ok(Self { runtime: Box::leak(Box::new(runtime)), client })
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        self.runtime.spawn(async move { client.send_bytes(request).await }).await?
    }
}
