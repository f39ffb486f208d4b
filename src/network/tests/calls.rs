//! What works.

use super::*;
use tokio_util::compat::{TokioAsyncReadCompatExt as _, TokioAsyncWriteCompatExt as _};

const SIZES: [usize; 7] = [0, 1, 4_000, 16 * 1024 - 8, 16 * 1024 + 1, 100_000, 3_000_000];

/// Raised on both sides: answers are as large as what they answer.
#[test]
fn messages_of_all_sizes_pass() {
    run(async {
        let (one, other) = pipe();
        let budget = Budget::new(1 << 26);
        let serving = server(one, &Limits::server(), &budget, Echo::default());
        serving.raise(8 << 20);
        let (client, calling) = client(other);
        calling.raise(8 << 20);
        for size in SIZES {
            assert_eq!(export(&client, size).await.unwrap(), size);
        }
        // All at once: they are written together.
        let many: Vec<_> = (0..1000).map(|nonce| ping(&client, nonce)).collect();
        for (nonce, ping) in many.into_iter().enumerate() {
            assert_eq!(ping.await.unwrap(), nonce as u64);
        }
        let traffic = (serving.traffic(), calling.traffic());
        assert_eq!(traffic.0.bytes_in, traffic.1.bytes_out);
        assert_eq!(traffic.0.messages_out, traffic.1.messages_in);
        assert!(traffic.0.largest_in > 3_000_000);
        assert_eq!(budget.held(), 0, "all given back");
    });
}

#[test]
fn a_close_writes_what_is_queued_and_says_why() {
    run(async {
        let (one, other) = pipe();
        let budget = Budget::new(1 << 20);
        let serving = server(one, &Limits::server(), &budget, Echo::default());
        let (client, calling) = client(other);
        assert_eq!(ping(&client, 1).await.unwrap(), 1);
        let last = ping(&client, 2);
        let (last, ()) = tokio::join!(last, async {
            tokio::task::yield_now().await;
            serving.close("the receiver is going away");
        });
        match last {
            Ok(nonce) => assert_eq!(nonce, 2),
            Err(error) => assert!(error.extra.contains("going away"), "{error}"),
        }
        assert_eq!(serving.over().await.map(|why| why.cause), Some(Cause::ByUs));
        let why = calling.over().await.unwrap();
        assert_eq!(why.cause, Cause::ByPeer);
        assert!(why.detail.contains("the receiver is going away"), "{why}");
        let error = ping(&client, 3).await.unwrap_err();
        assert_eq!(error.kind, capnp::ErrorKind::Disconnected);
    });
}

/// The stock network panics here.
#[test]
fn a_second_bootstrap_is_answered_or_fails() {
    run(async {
        let (one, other) = pipe();
        let budget = Budget::new(1 << 20);
        let serving = server(one, &Limits::server(), &budget, Echo::default());
        let (mut system, calling, first) =
            connect::<session::Client, _, _>(other, &Limits::client(), &budget);
        let second: session::Client = system.bootstrap(capnp_rpc::rpc_twoparty_capnp::Side::Server);
        let system = Rc::new(std::cell::RefCell::new(system));
        let driven = Rc::clone(&system);
        drop(spawn_local(std::future::poll_fn(move |context| {
            std::pin::Pin::new(&mut *driven.borrow_mut()).poll(context)
        })));
        assert_eq!(ping(&first, 1).await.unwrap(), 1);
        assert_eq!(ping(&second, 2).await.unwrap(), 2);
        serving.close("enough");
        calling.over().await;
        let side = capnp_rpc::rpc_twoparty_capnp::Side::Server;
        let third: session::Client = system.borrow_mut().bootstrap(side);
        drop(third);
        assert_eq!(ping(&first, 3).await.unwrap_err().kind, capnp::ErrorKind::Disconnected);
    });
}

#[test]
fn the_stock_network_calls_us() {
    run(async {
        let (one, other) = duplex(64 * 1024);
        let budget = Budget::new(1 << 26);
        let serving = server(split(one), &Limits::server(), &budget, Echo::default());
        serving.raise(8 << 20);
        let (read, write) = split(other);
        let network = capnp_rpc::twoparty::VatNetwork::new(
            read.compat(),
            write.compat_write(),
            capnp_rpc::rpc_twoparty_capnp::Side::Client,
            capnp::message::ReaderOptions::new(),
        );
        let mut system = capnp_rpc::RpcSystem::new(Box::new(network), None);
        let client: session::Client = system.bootstrap(capnp_rpc::rpc_twoparty_capnp::Side::Server);
        let disconnect = system.get_disconnector();
        drop(spawn_local(system));
        for size in SIZES {
            assert_eq!(export(&client, size).await.unwrap(), size);
        }
        assert_eq!(ping(&client, 9).await.unwrap(), 9);
        disconnect.await.unwrap();
        assert_eq!(serving.over().await.map(|why| why.cause), Some(Cause::ByPeer));
    });
}

#[test]
fn we_call_the_stock_network() {
    run(async {
        let (one, other) = duplex(64 * 1024);
        let (read, write) = split(one);
        let network = capnp_rpc::twoparty::VatNetwork::new(
            read.compat(),
            write.compat_write(),
            capnp_rpc::rpc_twoparty_capnp::Side::Server,
            capnp::message::ReaderOptions::new(),
        );
        let echo: session::Client = capnp_rpc::new_client(Echo::default());
        drop(spawn_local(capnp_rpc::RpcSystem::new(Box::new(network), Some(echo.client))));
        let (client, calling) = client(split(other));
        calling.raise(8 << 20);
        for size in SIZES {
            assert_eq!(export(&client, size).await.unwrap(), size);
        }
        calling.close("done");
        assert_eq!(calling.over().await.map(|why| why.cause), Some(Cause::ByUs));
    });
}
