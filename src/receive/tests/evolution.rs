//! A client of a later release: its hello, its batches and its answers. The later schema is `tests/wire/next/`.

use tokio::net::TcpStream;
use tokio::task::spawn_local;

use super::client::{request, rows, run};
use super::{SOON, assert_conserved, receiver, tcp};
use crate::network::{self, Budget, Limits};
use crate::receive::{Address, Sink};
use crate::schema::next::ingest_capnp::{batch, frame, gateway, outcome, session};

/// Logged in by the later schema, with a hello that has all that is new.
async fn log_in(address: &Address) -> session::Client {
    let halves = TcpStream::connect(tcp(address)).await.unwrap().into_split();
    let (limits, budget) = (Limits::client(), Budget::new(64 << 20));
    let (system, _, gateway) = network::connect::<gateway::Client, _, _>(halves, &limits, &budget);
    spawn_local(system);
    let mut request = gateway.open_request();
    request.get().init_credential().set_anonymous(());
    let mut hello = request.get().init_hello();
    hello.set_protocol_minor(u16::MAX);
    hello.set_name("later");
    hello.set_later_field(7);
    hello.set_later_text("of a later release");
    hello.init_formats(1).set(0, frame::Format::Later);
    let answer = request.send().promise.await.unwrap();
    let answer = answer.get().unwrap();
    let hello = answer.get_hello().unwrap();
    assert_eq!(
        (hello.get_name().unwrap().to_str().unwrap(), hello.get_later_field()),
        ("trackside", 0)
    );
    assert!(answer.get_credit().unwrap().get_max_in_flight_batches() > 0);
    answer.get_session().unwrap()
}

/// Accepted, or why not.
async fn export(
    session: &session::Client,
    sequence: u64,
    fill: impl FnOnce(batch::Builder<'_>),
) -> Result<(), (outcome::Rejection, String)> {
    let mut request = session.export_request();
    let mut batch = request.get().init_batch();
    batch.set_exporter_low(1);
    batch.set_sequence(sequence);
    batch.set_item_count(2);
    batch.set_signal(batch::Signal::Traces);
    batch.set_later_field(7);
    batch.set_later_text("of a later release");
    fill(batch);
    let answer = request.send().promise.await.unwrap();
    let outcome = answer.get().unwrap().get_outcome().unwrap();
    // What this release does not say is as before.
    assert_eq!((outcome.get_later_field(), outcome.has_later_text()), (0, false));
    match outcome.which().unwrap() {
        outcome::Accepted(()) => Ok(()),
        outcome::Rejected(rejected) => Err((
            rejected.get_reason().unwrap(),
            rejected.get_detail().unwrap().to_string().unwrap(),
        )),
        _ => panic!("neither accepted nor rejected"),
    }
}

#[test]
fn a_client_of_a_later_release_is_served() {
    let running = receiver().sink(Sink::counting()).start().unwrap();
    run(async || {
        let session = log_in(&running.addresses()[0]).await;
        let rows = rows(&request("shop", &[1, 2]));
        let fill = |format| {
            let rows = &rows;
            move |batch: batch::Builder<'_>| {
                let mut frame = batch.init_body().init_frame();
                frame.set_format(format);
                frame.set_uncompressed_bytes(rows.len() as u32);
                frame.set_crc32c(crc32c::crc32c(rows));
                frame.set_data(rows);
            }
        };
        assert_eq!(export(&session, 1, fill(frame::Format::RowsStandard)).await, Ok(()));
        // What it may not send, since our hello does not list it, is answered, and the session stays.
        for (sequence, refused) in [
            (2, export(&session, 2, fill(frame::Format::Later)).await),
            (3, export(&session, 3, |batch| batch.init_body().set_later(7)).await),
            (4, export(&session, 4, |batch| batch.init_body().init_rows().set_later(7)).await),
        ] {
            let (reason, detail) = refused.unwrap_err();
            assert!(reason == outcome::Rejection::Unsupported, "{sequence}: {detail}");
        }
        assert_eq!(export(&session, 5, fill(frame::Format::RowsStandard)).await, Ok(()));
    });
    let counts = running.shutdown(SOON).unwrap();
    assert_conserved(&counts);
    assert_eq!((counts.traces.taken, counts.traces.refused), (4, 6));
}

#[test]
fn a_kind_of_credential_to_come_is_refused() {
    let running = receiver().sink(Sink::counting()).start().unwrap();
    run(async || {
        let halves = TcpStream::connect(tcp(&running.addresses()[0])).await.unwrap().into_split();
        let (limits, budget) = (Limits::client(), Budget::new(64 << 20));
        let (system, _, gateway) =
            network::connect::<gateway::Client, _, _>(halves, &limits, &budget);
        spawn_local(system);
        let mut request = gateway.open_request();
        request.get().init_credential().set_later(7);
        let Err(error) = request.send().promise.await else { panic!("logged in") };
        assert!(error.to_string().contains("the kind of credential is not known"), "{error}");
    });
    running.shutdown(SOON).unwrap();
}
