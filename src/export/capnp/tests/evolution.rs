//! A receiver of a later release. The later schema is `tests/wire/next/`.

use std::cell::RefCell;

use tokio::net::TcpListener;

use super::*;
use crate::network::{Budget, Limits, serve};
use crate::schema::next::ingest_capnp::frame::Format;
use crate::schema::next::ingest_capnp::{batch, gateway, session};

/// What came, as the later release reads it: items, bytes, and whether a new field says something.
type Seen = Rc<RefCell<Vec<(u32, Vec<u8>, bool)>>>;

struct Gate(Seen);
struct Session(Seen);

impl gateway::Server for Gate {
    async fn open(
        self: Rc<Self>,
        params: gateway::OpenParams,
        mut results: gateway::OpenResults,
    ) -> Result<(), capnp::Error> {
        let hello = params.get()?.get_hello()?;
        assert_eq!((hello.get_later_field(), hello.has_later_text()), (0, false));
        assert_eq!(hello.get_name()?.to_str()?, "trackside");
        let mut opened = results.get();
        opened.set_session(capnp_rpc::new_client(Session(Rc::clone(&self.0))));
        let mut hello = opened.init_hello();
        hello.set_protocol_minor(u16::MAX);
        hello.set_later_field(7);
        hello.set_later_text("of a later release");
        hello.init_formats(1).set(0, Format::Later);
        Ok(())
    }
}

impl session::Server for Session {
    async fn export(
        self: Rc<Self>,
        params: session::ExportParams,
        mut results: session::ExportResults,
    ) -> Result<(), capnp::Error> {
        let batch = params.get()?.get_batch()?;
        let batch::body::Frame(frame) = batch.get_body().which()? else {
            return Err(capnp::Error::failed("no frame".to_owned()));
        };
        let is_new = batch.get_later_field() != 0 || batch.has_later_text();
        let seen = (batch.get_item_count(), frame?.get_data()?.to_vec(), is_new);
        let number = self.0.borrow().len();
        self.0.borrow_mut().push(seen);
        let mut outcome = results.get().init_outcome();
        outcome.set_later_field(7);
        outcome.set_later_text("of a later release");
        match number {
            0 => outcome.set_accepted(()),
            // Our hello does not list it, so that this must never come; it does.
            _ => outcome.set_later(7),
        }
        Ok(())
    }
}

#[test]
fn a_receiver_of_a_later_release_is_understood() {
    run(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Seen::default();
        let gate: gateway::Client = capnp_rpc::new_client(Gate(Rc::clone(&seen)));
        spawn_local(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let budget = Budget::new(1 << 28);
            let limits = Limits::server();
            let (system, _) = serve(stream.into_split(), &limits, &budget, gate.client);
            let _ = system.await;
        });
        let exporter = exporter(&plan(address));
        assert_eq!(exporter.send(&frame(1, "some rows")).await, delivered());
        let error = refused(exporter.send(&frame(2, "some rows")).await);
        assert!(error.contains("an outcome that this version does not know"), "{error}");
        let taken = (10, b"some rows".to_vec(), false);
        assert_eq!(*seen.borrow(), [taken.clone(), taken]);
    });
}
