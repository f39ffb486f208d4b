//! The calling side, and the link that it calls over.

use trackside::telemetry::{
    self,
    rpc::{self, Call},
};

use crate::{Refusal, Request, engine};

/// Asks for the length of the text under a key.
///
/// # Errors
/// What the peer refused.
pub async fn length(key: u32) -> Result<usize, Refusal> {
    let mut request = Request { headers: Vec::new(), key };
    rpc::client(Call::method("length").cls_id("Store"), async move {
        // Inside the client's span, which is the parent that the peer shall see.
        telemetry::inject_into(&mut request.headers);
        engine::dispatch(request).await
    })
    .error_kind(Refusal::kind)
    .await
}
