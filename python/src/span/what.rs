//! What a span's object stands for.

use trackside::telemetry::rpc::Call;

/// What an object opens.
#[derive(Clone)]
pub(crate) enum What {
    Span,
    Dispatch,
    Handler,
    Server(Of),
    Client(Of),
}

/// Which call.
#[derive(Clone)]
pub(crate) struct Of {
    pub(crate) method: String,
    pub(crate) cls_id: String,
    pub(crate) object_id: String,
}

impl Of {
    pub(super) fn call(&self) -> Call<'_> {
        Call::method(&self.method).cls_id(&self.cls_id).object_id(&self.object_id)
    }
}
