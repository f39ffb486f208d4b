//! What both modes must reject, so that a host which builds without the feature builds with it.
//!
//! Each block below has to fail to compile, whatever the mode; this one, with the same pieces used
//! as they are meant to be, has to compile:
//!
//! ```
//! # #![deny(unused_must_use)]
//! use std::future::ready;
//! use trackside::telemetry::{self, rpc::{self, Call}};
//!
//! let text = String::from("text");
//! let _instrumented = telemetry::instrument(ready(&text), "name")
//!     .on_output(|output, span| { span.set("length", output.len().min(text.len())); });
//! let _carried = telemetry::in_context(ready(&text));
//! let _observed = rpc::server(Call::method("say"), ready(Ok::<_, String>(&text)))
//!     .error_kind(|_| "timeout");
//! let _run = telemetry::in_context_fn(|| text.len());
//! let _guard = telemetry::span("name");
//! let (_session, _timer) = (rpc::session(), rpc::storage("get"));
//! ```
//!
//! # A wrapper's destructor may look at what its future borrows
//!
//! ```compile_fail,E0597
//! let wrapper;
//! let text = String::from("text");
//! wrapper = trackside::telemetry::instrument(std::future::ready(&text), "name");
//! ```
//!
//! ```compile_fail,E0597
//! let wrapper;
//! let text = String::from("text");
//! wrapper = trackside::telemetry::in_context(std::future::ready(&text));
//! ```
//!
//! ```compile_fail,E0597
//! let wrapper;
//! let text = String::from("text");
//! wrapper = trackside::telemetry::rpc::handler(std::future::ready(Ok::<_, String>(&text)));
//! ```
//!
//! ```compile_fail,E0597
//! let run;
//! let text = String::from("text");
//! run = trackside::telemetry::in_context_fn(|| text.len());
//! ```
//!
//! # A wrapper is neither its future nor a copy of it
//!
//! ```compile_fail,E0308
//! let _ready: std::future::Ready<u8> =
//!     trackside::telemetry::instrument(std::future::ready(1), "name");
//! ```
//!
//! ```compile_fail,E0599
//! let _inner = trackside::telemetry::in_context(std::future::ready(1)).into_inner();
//! ```
//!
//! ```compile_fail,E0599
//! let _copy = trackside::telemetry::instrument(std::future::ready(1), "name").clone();
//! ```
//!
//! ```compile_fail
//! let _inner = trackside::telemetry::instrument(std::future::ready(1), "name").0;
//! ```
//!
//! # A wrapper that may keep a hook for its output has no subtypes
//!
//! ```compile_fail
//! use std::future::Ready;
//! use trackside::telemetry::rpc::Observed;
//!
//! type Answer<'a> = Ready<Result<&'a str, String>>;
//! fn shorter<'a>(long: Observed<Answer<'static>>) -> Observed<Answer<'a>> {
//!     long
//! }
//! ```
//!
//! # A wrapper lives no longer than what its hook borrows, and goes where its hook may go
//!
//! ```compile_fail,E0597
//! let wrapper;
//! {
//!     let seen = 1_u32;
//!     wrapper = trackside::telemetry::instrument(std::future::ready(1), "name")
//!         .on_output(|_, span| { span.set("seen", seen); });
//! }
//! drop(wrapper);
//! ```
//!
//! ```compile_fail,E0277
//! fn send<T: Send>(_: T) {}
//! let seen = std::rc::Rc::new(1_u32);
//! let wrapper = trackside::telemetry::instrument(std::future::ready(1), "name");
//! send(wrapper.on_output(move |_, span| { span.set("seen", *seen); }));
//! ```
//!
//! # A word for an error captures nothing
//!
//! ```compile_fail,E0308
//! let word = "timeout";
//! let _wrapper = trackside::telemetry::rpc::handler(std::future::ready(Err::<(), _>("late")))
//!     .error_kind(|_| word);
//! ```
//!
//! # A guard stays on its thread, a span in its closure
//!
//! ```compile_fail,E0277
//! let guard = trackside::telemetry::span("name");
//! std::thread::spawn(move || drop(guard));
//! ```
//!
//! ```compile_fail
//! fn send<T: Send>(_: T) {}
//! send(async {
//!     let _guard = trackside::telemetry::span("name");
//!     std::future::ready(()).await;
//! });
//! ```
//!
//! ```compile_fail,E0521
//! let mut kept = None;
//! let _guard = trackside::telemetry::span("name").with(|span| kept = Some(span));
//! ```
//!
//! # An outcome says whether it failed, and its error can be displayed
//!
//! ```compile_fail,E0277
//! let _wrapper = trackside::telemetry::rpc::handler(std::future::ready(1));
//! ```
//!
//! ```compile_fail,E0277
//! let _wrapper = trackside::telemetry::instrument(std::future::ready(Err::<(), _>(())), "name").errors();
//! ```
//!
//! # Names and keys are text of the program
//!
//! ```compile_fail,E0597
//! let name = String::from("name");
//! let _guard = trackside::telemetry::span(&name);
//! ```
//!
//! ```compile_fail,E0597
//! let key = String::from("key");
//! trackside::telemetry::current().set(&key, 1);
//! ```
//!
//! # Nothing that ends when it is dropped is dropped unseen
//!
//! ```compile_fail
//! #![deny(unused_must_use)]
//! trackside::telemetry::instrument(std::future::ready(1), "name");
//! ```
//!
//! ```compile_fail
//! #![deny(unused_must_use)]
//! trackside::telemetry::in_context(std::future::ready(1));
//! ```
//!
//! ```compile_fail
//! #![deny(unused_must_use)]
//! trackside::telemetry::rpc::handler(std::future::ready(Err::<(), _>("late")));
//! ```
//!
//! ```compile_fail
//! #![deny(unused_must_use)]
//! trackside::telemetry::span("name");
//! ```
//!
//! ```compile_fail
//! #![deny(unused_must_use)]
//! trackside::telemetry::rpc::session();
//! ```
//!
//! ```compile_fail
//! #![deny(unused_must_use)]
//! trackside::telemetry::rpc::storage("get");
//! ```
//!
//! ```compile_fail
//! #![deny(unused_must_use)]
//! fn begin(telemetry: &trackside::telemetry::Telemetry) {
//!     telemetry.shutdown_async(std::time::Duration::ZERO);
//! }
//! ```
//!
//! ```compile_fail
//! #![deny(unused_must_use)]
//! trackside::telemetry::TelemetryConfig::default().or_console();
//! ```
