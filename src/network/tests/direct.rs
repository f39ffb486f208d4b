//! Calls past the RPC system: the peer reads what it would have read of the RPC system's own.

use bytes::Bytes;
use capnp::message::ReaderOptions;
use capnp::serialize;
use capnp_rpc::rpc_capnp::message;
use tokio::io::AsyncReadExt as _;

use super::*;
use crate::schema::ingest_capnp::batch::body;
use crate::schema::ingest_capnp::gateway;

/// The data of the export that was written last, as any reader of Cap'n Proto sees it.
fn data_of_last(mut written: &[u8]) -> Vec<u8> {
    let mut found = None;
    while !written.is_empty() {
        let read = serialize::read_message_from_flat_slice(&mut written, ReaderOptions::new());
        let read = read.unwrap();
        let message::Call(call) = read.get_root::<message::Reader<'_>>().unwrap().which().unwrap()
        else {
            continue;
        };
        let content = call.unwrap().get_params().unwrap().get_content();
        let params: session::export_params::Reader<'_> = content.get_as().unwrap();
        let body::Frame(frame) = params.get_batch().unwrap().get_body().which().unwrap() else {
            panic!("a frame");
        };
        found = Some(frame.unwrap().get_data().unwrap().to_vec());
    }
    found.expect("an export")
}

type Params<'a> = session::export_params::Builder<'a>;

/// An export past the RPC system.
fn asked(handle: &Handle, object: Object, bytes: &Bytes) -> Answer {
    let fill = |params: capnp::any_pointer::Builder<'_>, mark: &Mark| {
        let batch = params.init_as::<Params<'_>>().init_batch();
        batch.init_body().init_frame().set_data(mark);
    };
    handle.call::<session::Client>(object, 0, bytes.clone(), fill).unwrap()
}

/// The length of the text in the answer.
async fn answered(answer: Answer) -> capnp::Result<usize> {
    let answer = answer.await?;
    let results: session::export_results::Reader<'_> = answer.results()?;
    Ok(results.get_outcome()?.get_warning()?.len())
}

/// A receiver with one session.
struct Gate(Cell<Option<Echo>>);

impl gateway::Server for Gate {
    async fn open(
        self: Rc<Self>,
        _: gateway::OpenParams,
        mut results: gateway::OpenResults,
    ) -> Result<(), capnp::Error> {
        let echo = self.0.take().ok_or_else(|| capnp::Error::failed("once".to_owned()))?;
        results.get().set_session(capnp_rpc::new_client(echo));
        Ok(())
    }
}

/// A session, and how the server's object is called.
async fn logged_in(echo: Echo) -> (Handle, session::Client, Handle, Object) {
    let (ours, theirs) = pipe();
    let (limits, budget) = (Limits::server(), Budget::new(1 << 30));
    let gate: gateway::Client = capnp_rpc::new_client(Gate(Cell::new(Some(echo))));
    let (system, serving) = serve(theirs, &limits, &budget, gate.client);
    drop(spawn_local(system));
    serving.raise(1 << 20);
    let (system, handle, gate) = connect::<gateway::Client, _, _>(ours, &Limits::client(), &budget);
    drop(spawn_local(system));
    handle.raise(1 << 20);
    let opening = gate.open_request().send();
    let early = opening.pipeline.get_session();
    let (ping, object) = handle.object_of(|| early.ping_request().send().promise);
    assert_eq!(object, None, "it has no name before it is there");
    ping.await.unwrap();
    let client = opening.promise.await.unwrap().get().unwrap().get_session().unwrap();
    let (ping, object) = handle.object_of(|| client.ping_request().send().promise);
    ping.await.unwrap();
    (serving, client, handle, object.expect("the server's own object"))
}

/// What a client writes that exports `bytes`.
async fn written(bytes: &Bytes) -> Vec<u8> {
    let (near, far) = duplex(1 << 20);
    let (_client, handle) = client(split(near));
    let answer = asked(&handle, 7, bytes);
    handle.close("all is queued");
    let mut all = Vec::new();
    let (mut reader, _writer) = split(far);
    reader.read_to_end(&mut all).await.unwrap();
    drop(answer);
    assert!(!all.windows(16).any(|window| window == b"bytes stand here"), "no mark leaves");
    all
}

#[test]
fn the_peer_reads_the_bytes() {
    for length in [0, 1, 7, 8, 9, 4096, 16 * 1024, 16 * 1024 + 5, 300_000] {
        let bytes: Vec<u8> = (0..length).map(|index: u32| (index * 7) as u8).collect();
        let bytes = Bytes::from(bytes);
        let written = run(written(&bytes));
        assert_eq!(written.len() % 8, 0, "{length} bytes are filled up to words");
        assert!(data_of_last(&written) == bytes, "{length} bytes arrive as they are");
    }
}

#[test]
fn a_message_without_a_place_for_its_bytes_does_not_leave() {
    run(async {
        let (_serving, client, handle, object) = logged_in(Echo::default()).await;
        // The login is over, and all that it had to say.
        assert_eq!(ping(&client, 2).await.unwrap(), 2);
        let sent = handle.traffic().messages_out;
        let made = handle.call::<session::Client>(object, 0, Bytes::new(), |_, _| {});
        assert!(made.is_err_and(|error| error.extra.contains("without a place")));
        assert_eq!(ping(&client, 3).await.unwrap(), 3);
        assert_eq!(handle.traffic().messages_out, sent + 1, "the ping alone");
    });
}

#[test]
fn a_receiver_reads_one_after_the_other() {
    run(async {
        let (_serving, client, handle, object) = logged_in(Echo::default()).await;
        // More than once, so that numbers are used again, and pings between them.
        for round in 0..3 {
            let mut answers = Vec::new();
            for length in [20_000, 0, 5000, 100_001, 3] {
                let bytes = Bytes::from(vec![1; length]);
                answers.push((length, asked(&handle, object, &bytes), ping(&client, round)));
            }
            for (length, answer, ping) in answers {
                assert_eq!(answered(answer).await.unwrap(), length);
                assert_eq!(ping.await.unwrap(), round);
            }
        }
    });
}

#[test]
fn an_answer_that_nobody_waits_for_is_no_answer_to_the_next_question() {
    run(async {
        let gate = Rc::new(Notify::new());
        let echo = Echo { gate: Some(Rc::clone(&gate)), begun: Rc::default() };
        let (_serving, client, handle, object) = logged_in(echo).await;
        for round in 1..20 {
            let given_up = asked(&handle, object, &Bytes::from(vec![1; 1000 + round]));
            // At times the answer is on its way when it is given up, or here.
            if round % 2 == 0 {
                gate.notify_one();
            }
            if round % 3 == 0 {
                assert_eq!(ping(&client, 1).await.unwrap(), 1);
            }
            drop(given_up);
            let next = asked(&handle, object, &Bytes::from(vec![1; round]));
            let open = async {
                loop {
                    gate.notify_waiters();
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                next = answered(next) => assert_eq!(next.unwrap(), round),
                () = open => {}
            }
        }
    });
}

#[test]
fn an_error_is_told_as_the_rpc_system_tells_it() {
    run(async {
        let (_serving, client, handle, object) = logged_in(Echo::default()).await;
        let by_rpc = client.export_request().send().promise.await.err().unwrap();
        let without_frame = |params: capnp::any_pointer::Builder<'_>, mark: &Mark| {
            // The mark stands where this method does not look for data.
            let rows = params.init_as::<Params<'_>>().init_batch().init_body().init_rows();
            rows.init_strings().set_blob(mark);
        };
        let data = Bytes::from_static(b"text");
        let answer = handle.call::<session::Client>(object, 0, data.clone(), without_frame);
        let direct = answer.unwrap().await.err().unwrap();
        assert_eq!((direct.kind, &direct.extra), (by_rpc.kind, &by_rpc.extra));
        let answer = handle.call::<session::Client>(object, 99, data, without_frame);
        let unknown = answer.unwrap().await.err().unwrap();
        assert_eq!(unknown.kind, capnp::ErrorKind::Unimplemented, "{unknown}");
    });
}

#[test]
fn the_end_of_the_connection_is_the_answer() {
    run(async {
        let echo = Echo { gate: Some(Rc::default()), begun: Rc::default() };
        let (serving, client, handle, object) = logged_in(echo).await;
        let answer = asked(&handle, object, &Bytes::from(vec![1; 10]));
        let (answer, ()) = tokio::join!(answered(answer), async {
            ping(&client, 1).await.unwrap();
            serving.close("the receiver is going away");
        });
        let error = answer.unwrap_err();
        assert_eq!(error.kind, capnp::ErrorKind::Disconnected);
        assert!(error.extra.contains("the receiver is going away"), "{error}");
        let late = asked(&handle, object, &Bytes::from(vec![1; 10]));
        assert_eq!(answered(late).await.unwrap_err().kind, capnp::ErrorKind::Disconnected);
    });
}
