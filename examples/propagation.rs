//! The idea: a trace crosses a wire as headers. A client and a server share nothing but a channel,
//! and what they record is one trace. Its neighbour `quickstart` does the same with the RPC wrappers.
//!
//! Run it: `cargo run --example propagation --features telemetry`.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use trackside::telemetry::{self, Kind, TelemetryConfig};

/// What goes over the wire; a map or `http::HeaderMap` would do as well.
struct Request {
    headers: Vec<(String, String)>,
    order: u32,
    reply: Sender<u32>,
}

fn client(wire: &Sender<Request>) {
    let _call = telemetry::span("order").with_kind(Kind::Client).with(|span| {
        span.set("order", 7_u32);
    });
    let mut headers = Vec::new();
    // The span must be open here: its ids are what is written.
    telemetry::inject_into(&mut headers);
    let (reply, answer) = channel();
    wire.send(Request { headers, order: 7, reply }).expect("the server listens");
    let price = answer.recv().expect("the server answers");
    telemetry::current().set("price", price);
}

fn server(wire: &Receiver<Request>) {
    for request in wire {
        let caller = telemetry::extract_from(&request.headers);
        let work = telemetry::span("price").with_parent(caller).with_kind(Kind::Server);
        let price = {
            let _lookup = telemetry::span("db.query");
            request.order * 6
        };
        // Ends before the answer leaves: the work is done, and the call must outlast it.
        drop(work);
        request.reply.send(price).expect("the client waits");
    }
}

fn main() -> Result<(), telemetry::Error> {
    let config = TelemetryConfig::default().or_console().with_service_name("propagation");
    let telemetry = telemetry::init(config)?;
    let (wire, requests) = channel();
    let serving = thread::spawn(move || server(&requests));
    let calling = thread::spawn(move || client(&wire));
    calling.join().expect("the client does not panic");
    serving.join().expect("the server does not panic");
    telemetry.shutdown(Duration::from_secs(5))
}
