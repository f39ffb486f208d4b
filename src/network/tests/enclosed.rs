//! Bytes that go with a message: what the peer reads is what it would have read had they been in it.

use bytes::Bytes;
use capnp::message::ReaderOptions;
use capnp::serialize;
use capnp_rpc::rpc_capnp::message;
use tokio::io::AsyncReadExt as _;

use super::*;
use crate::schema::ingest_capnp::batch::body;

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

/// What a client writes that exports `bytes` as an enclosure.
async fn written(bytes: &Bytes) -> Vec<u8> {
    let (near, far) = duplex(1 << 20);
    let (client, handle) = client(split(near));
    let mut request = client.export_request();
    let mut frame = request.get().init_batch().init_body().init_frame();
    let mark = handle.enclose(bytes.clone());
    frame.set_data(&mark);
    let answer = request.send().promise;
    assert!(!handle.is_left_out(), "the message has taken them");
    handle.close("all is queued");
    let mut all = Vec::new();
    let (mut reader, _writer) = split(far);
    reader.read_to_end(&mut all).await.unwrap();
    drop(answer);
    assert!(!all.windows(8).any(|window| window == &mark[..8]), "no mark leaves");
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
fn what_no_message_takes_is_left_out() {
    run(async {
        let (ours, theirs) = pipe();
        let (limits, budget) = (Limits::server(), Budget::new(1 << 30));
        let serving = server(theirs, &limits, &budget, Echo::default());
        serving.raise(1 << 20);
        let (client, handle) = client(ours);
        handle.raise(1 << 20);
        let mark = handle.enclose(Bytes::from(vec![1; 9000]));
        assert_eq!(export(&client, 5).await.unwrap(), 5, "another message goes as it is");
        assert!(handle.is_left_out());
        assert!(!handle.is_left_out(), "they wait no longer");
        let mut request = client.export_request();
        request.get().init_batch().init_body().init_frame().set_data(&mark);
        let answer = request.send().promise.await.unwrap();
        let warning = answer.get().unwrap().get_outcome().unwrap().get_warning().unwrap();
        assert_eq!(warning.len(), mark.len(), "what is no mark any more is what it is");
    });
}

#[test]
fn a_receiver_reads_one_after_the_other() {
    run(async {
        let (ours, theirs) = pipe();
        let (limits, budget) = (Limits::server(), Budget::new(1 << 30));
        let serving = server(theirs, &limits, &budget, Echo::default());
        serving.raise(1 << 20);
        let (client, handle) = client(ours);
        handle.raise(1 << 20);
        let mut answers = Vec::new();
        for length in [20_000, 0, 5000, 100_001, 3] {
            let mut request = client.export_request();
            let mark = handle.enclose(Bytes::from(vec![1; length]));
            request.get().init_batch().init_body().init_frame().set_data(&mark);
            answers.push((length, request.send().promise));
        }
        for (length, answer) in answers {
            let answer = answer.await.unwrap();
            let warning = answer.get().unwrap().get_outcome().unwrap().get_warning().unwrap();
            assert_eq!(warning.len(), length);
        }
    });
}
