//! A client made of calls.

use std::rc::Rc;

use bytes::Bytes;
use capnp_rpc::rpc_twoparty_capnp::Side;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource as ResourceMessage;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::{LocalSet, spawn_local};

use super::SOON;
use crate::encode::capnp::StreamEncoder;
use crate::encode::view::{BatchSink, LogView, MetricView, Resource, Scope, SpanView};
use crate::network::{self, Budget, Handle, Limits};
use crate::receive::Address;
use crate::receive::rows::tests::prost_source::Source as _;
use crate::schema::ingest_capnp::frame::Format;
use crate::schema::ingest_capnp::outcome::{self, Durability, Rejection};
use crate::schema::ingest_capnp::{batch, gateway, session};

/// Runs what needs a thread's tasks, and fails where it takes too long.
pub(super) fn run<T>(work: impl AsyncFnOnce() -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, async {
        tokio::time::timeout(SOON, work()).await.expect("it takes too long")
    })
}

/// A connection without a log-in.
pub(super) struct Dialled {
    pub(super) gateway: gateway::Client,
    pub(super) handle: Handle,
}

pub(super) async fn dial(address: &Address) -> Dialled {
    let (limits, budget) = (Limits::client(), Budget::new(64 << 20));
    let (system, handle, gateway) = match address {
        Address::Tcp(address) => {
            let halves = TcpStream::connect(address).await.unwrap().into_split();
            network::connect::<gateway::Client, _, _>(halves, &limits, &budget)
        }
        Address::Tls(_) => panic!("{address} is not for this client"),
        Address::Unix(path) => {
            let halves = UnixStream::connect(path).await.unwrap().into_split();
            network::connect(halves, &limits, &budget)
        }
    };
    let _: &capnp_rpc::RpcSystem<Side> = &system;
    spawn_local(system);
    Dialled { gateway, handle }
}

impl Dialled {
    pub(super) async fn log_in(self, token: Option<&[u8]>) -> capnp::Result<Client> {
        let mut request = self.gateway.open_request();
        let mut credential = request.get().init_credential();
        match token {
            Some(token) => credential.set_bearer(token),
            None => credential.set_anonymous(()),
        }
        let answer = request.send().promise.await?;
        let answer = answer.get()?;
        let credit = answer.get_credit()?.get_max_in_flight_batches();
        Ok(Client { session: answer.get_session()?, handle: Rc::new(self.handle), credit })
    }
}

/// A session.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) session: session::Client,
    pub(super) handle: Rc<Handle>,
    pub(super) credit: u32,
}

pub(super) async fn client(address: &Address) -> Client {
    dial(address).await.log_in(None).await.unwrap()
}

/// What an export was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Accepted(Durability),
    Duplicate,
    Partial(u64, String),
    Retry(String),
    Rejected(Rejection, String),
}

impl Client {
    pub(super) async fn export(&self, exporter: u64, sequence: u64, spans: &[u64]) -> Said {
        self.try_export(exporter, sequence, spans).await.unwrap().0
    }

    /// The answer, and how many batches may follow.
    pub(super) async fn try_export(
        &self,
        exporter: u64,
        sequence: u64,
        spans: &[u64],
    ) -> capnp::Result<(Said, u32)> {
        let rows = rows(&request("shop", spans));
        self.send(|batch| fill(batch, exporter, sequence, spans.len() as u32, &rows)).await
    }

    pub(super) async fn send(
        &self,
        fill: impl FnOnce(batch::Builder<'_>),
    ) -> capnp::Result<(Said, u32)> {
        let mut request = self.session.export_request();
        fill(request.get().init_batch());
        let answer = request.send().promise.await?;
        let outcome = answer.get()?.get_outcome()?;
        let text =
            |text: capnp::Result<capnp::text::Reader<'_>>| text.unwrap().to_string().unwrap();
        let said = match outcome.which()? {
            outcome::Accepted(()) => Said::Accepted(outcome.get_durability()?),
            outcome::Duplicate(()) => Said::Duplicate,
            outcome::Partial(partial) => {
                Said::Partial(partial.get_rejected_items(), text(partial.get_message()))
            }
            outcome::Retry(retry) => Said::Retry(text(retry.get_reason())),
            outcome::Rejected(rejected) => {
                Said::Rejected(rejected.get_reason()?, text(rejected.get_detail()))
            }
            outcome::Unset(()) => panic!("no answer"),
        };
        Ok((said, outcome.get_credit()?.get_max_in_flight_batches()))
    }
}

/// A batch of traces as a frame.
pub(super) fn fill(
    mut batch: batch::Builder<'_>,
    exporter: u64,
    sequence: u64,
    items: u32,
    rows: &[u8],
) {
    batch.set_exporter_low(exporter);
    batch.set_sequence(sequence);
    batch.set_item_count(items);
    batch.set_signal(batch::Signal::Traces);
    let mut frame = batch.init_body().init_frame();
    frame.set_format(Format::RowsStandard);
    frame.set_uncompressed_bytes(rows.len() as u32);
    frame.set_crc32c(crc32c::crc32c(rows));
    frame.set_data(rows);
}

pub(super) fn rows(request: &ExportTraceServiceRequest) -> Bytes {
    let mut encoder = Encoder(StreamEncoder::traces());
    request.lend(&mut encoder);
    encoder.0.finish()
}

/// Spans of a service, told apart by their ids.
pub(crate) fn request(service: &str, spans: &[u64]) -> ExportTraceServiceRequest {
    let span = |id: &u64| Span {
        trace_id: 7_u128.to_be_bytes().to_vec(),
        span_id: id.to_be_bytes().to_vec(),
        name: format!("span {id}"),
        start_time_unix_nano: 1_000_000,
        end_time_unix_nano: 2_000_000,
        ..Span::default()
    };
    let name = any_value::Value::StringValue(service.to_owned());
    let attribute = KeyValue {
        key: "service.name".to_owned(),
        value: Some(AnyValue { value: Some(name) }),
        ..KeyValue::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(ResourceMessage { attributes: vec![attribute], ..Default::default() }),
            scope_spans: vec![ScopeSpans {
                scope: Some(InstrumentationScope::default()),
                spans: spans.iter().map(span).collect(),
                schema_url: String::new(),
            }],
            schema_url: String::new(),
        }],
    }
}

struct Encoder(StreamEncoder);

impl BatchSink for Encoder {
    fn begin_resource(&mut self, resource: &Resource<'_>) {
        self.0.begin_resource(resource);
    }

    fn begin_scope(&mut self, scope: &Scope<'_>) {
        self.0.begin_scope(scope);
    }

    fn span(&mut self, span: &impl SpanView) {
        self.0.span(span);
    }

    fn log(&mut self, log: &impl LogView) {
        self.0.log(log);
    }

    fn metric(&mut self, metric: &MetricView<'_>) {
        self.0.metric(metric);
    }
}
