//! The schema with additions, as a later release might have it: what `tests/wire/next/` makes of ours.

macro_rules! modules {
    ($($name:ident: $path:literal,)+) => {
        $(
            #[path = $path]
            #[rustfmt::skip]
            pub(crate) mod $name;
        )+
    };
}

modules! {
    columns_capnp: "../../tests/wire/next/columns_capnp.rs",
    common_capnp: "../../tests/wire/next/common_capnp.rs",
    ingest_capnp: "../../tests/wire/next/ingest_capnp.rs",
    logs_capnp: "../../tests/wire/next/logs_capnp.rs",
    metrics_capnp: "../../tests/wire/next/metrics_capnp.rs",
    resource_capnp: "../../tests/wire/next/resource_capnp.rs",
    trace_capnp: "../../tests/wire/next/trace_capnp.rs",
}
