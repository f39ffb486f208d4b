//! A message that has been checked, and what can be made of it.

use bytes::Bytes;
use capnp::message::{Reader, ReaderOptions};
use capnp::serialize::BufferSegments;

use super::Refusal;
use super::check::{Check, Found, check, check_columns};
use super::columns::strings;
use super::segment::Segment;
use super::strings::Strings;
use super::views::{
    Columns, Fault, LogRow, SpanRow, Table, with_metric, with_resource, with_scope,
};
use crate::encode::otlp::Request;
use crate::encode::view::{BatchSink, Scope};
use crate::schema::columns_capnp::{columns, spans};
use crate::schema::ingest_capnp::batch::Signal;
use crate::schema::ingest_capnp::rows;

/// Pointers on the way to an attribute of an event, and two for each array or map in it, of which there
/// are 32 at most: the check counts those, so that its sentence is the one that is read.
const NESTING: i32 = 16 + 2 * 40;

/// What a small message may have over its own length: elements without a byte count a word each.
const SPARE_WORDS: usize = 1024;

/// What a batch is announced as.
pub(super) struct Announced {
    pub(super) signal: Signal,
    pub(super) items: u32,
    pub(super) otlp_bytes: usize,
    /// What an earlier check has found.
    pub(super) known: Option<Found>,
}

/// Where the items stand.
enum Root<'a> {
    Rows(rows::Reader<'a>),
    Columns(Box<Columns<'a>>),
}

/// The items of a batch, all of them checked.
pub(crate) struct Rows<'a> {
    root: Root<'a>,
    table: Table<'a>,
    found: Found,
}

impl Rows<'_> {
    pub(super) fn read<T>(
        message: &[u8],
        announced: &Announced,
        take: impl FnOnce(&Rows<'_>) -> T,
    ) -> Result<(T, Found), Refusal> {
        // Whoever reads each word once stays within this, and pointers to one place from many do not.
        let (words, segment) = (message.len() / 8 + SPARE_WORDS, Segment::of(message));
        let first = open(message, Some(words))?;
        let root = first.get_root::<rows::Reader<'_>>()?;
        agree(root, announced.signal)?;
        let strings = Strings::open(root.get_strings()?)?;
        let found = match announced.known {
            Some(found) => found,
            None => {
                let walk = Check::new(&strings, segment, words, announced.otlp_bytes);
                check(root, walk, announced.items)?
            }
        };
        // What the check has seen may be read as often as there are sinks.
        let second = open(message, None)?;
        let root = second.get_root::<rows::Reader<'_>>()?;
        let fault = Fault::default();
        let table = Table { strings: &strings, segment, fault: &fault };
        let taken = take(&Rows { root: Root::Rows(root), table, found });
        fault.into_result()?;
        Ok((taken, found))
    }

    pub(super) fn read_columns<T>(
        message: &[u8],
        announced: &Announced,
        take: impl FnOnce(&Rows<'_>) -> T,
    ) -> Result<(T, Found), Refusal> {
        let (words, segment) = (message.len() / 8 + SPARE_WORDS, Segment::of(message));
        let first = open(message, Some(words))?;
        let root = first.get_root::<columns::Reader<'_>>()?;
        // Each of them once: what is read counts.
        let (texts, cells) = (root.get_texts()?, root.get_cells()?);
        let from = spans_of(root, announced.signal)?;
        let strings = strings(root, texts, cells)?;
        let found = match announced.known {
            Some(found) => found,
            None => {
                let walk = Check::new(&strings, segment, words, announced.otlp_bytes);
                check_columns(from, cells, walk, announced.items)?
            }
        };
        let second = open(message, None)?;
        let root = second.get_root::<columns::Reader<'_>>()?;
        let fault = Fault::default();
        let table = Table { strings: &strings, segment, fault: &fault };
        let from = spans_of(root, announced.signal)?;
        let columns = Columns::open(table, from, root.get_cells()?)?;
        let taken = take(&Rows { root: Root::Columns(Box::new(columns)), table, found });
        fault.into_result()?;
        Ok((taken, found))
    }

    /// The batch is not longer than this as OTLP.
    #[cfg(test)]
    pub(crate) fn otlp_bytes(&self) -> u64 {
        self.found.otlp_bytes
    }

    /// Arrays and maps that lie deeper than OTLP's decoders look: as OTLP they are left out.
    pub(crate) fn cut_values(&self) -> u64 {
        self.found.cut
    }

    /// The `Export*ServiceRequest` of the signal.
    pub(crate) fn to_otlp(&self) -> Bytes {
        let bytes = usize::try_from(self.found.otlp_bytes).unwrap_or(0);
        let mut request = Request::with_capacity(bytes);
        self.lend(&mut request);
        request.finish()
    }

    /// The items where they stand in columns, for whoever takes them so.
    pub(crate) fn columns(&self) -> Option<&Columns<'_>> {
        match &self.root {
            Root::Rows(_) => None,
            Root::Columns(columns) => Some(columns),
        }
    }

    /// Lends all resources, scopes and items to `sink`, in order.
    pub(crate) fn lend(&self, sink: &mut impl BatchSink) {
        let table = self.table;
        // The same for each signal, over types of its own.
        macro_rules! lend {
            ($groups:expr, $scopes:ident, $items:ident, $item:expr) => {
                for group in table.list($groups) {
                    let Some(resource) = table.read(group.get_resource()) else { return };
                    let schema_url = group.get_schema_url();
                    with_resource(table, resource, schema_url, |from| sink.begin_resource(from));
                    for group in table.list(group.$scopes()) {
                        let Some(scope) = table.read(group.get_scope()) else { return };
                        with_scope(table, scope, group.get_schema_url(), |scope| {
                            sink.begin_scope(scope);
                            table
                                .list(group.$items())
                                .for_each(|row| $item(&mut *sink, scope, row));
                        });
                    }
                }
            };
        }
        let root = match &self.root {
            Root::Rows(root) => root,
            Root::Columns(columns) => return columns.lend(sink),
        };
        match root.which() {
            Ok(rows::Traces(data)) => {
                let groups = data.and_then(|data| data.get_resource_spans());
                lend!(
                    groups,
                    get_scope_spans,
                    get_spans,
                    |sink: &mut _, scope: &Scope<'_>, row| {
                        BatchSink::span(sink, &SpanRow { table, row, scope: scope.name });
                    }
                );
            }
            Ok(rows::Metrics(data)) => {
                let groups = data.and_then(|data| data.get_resource_metrics());
                lend!(groups, get_scope_metrics, get_metrics, |sink: &mut _, scope, row| {
                    with_metric(table, row, scope, |metric| BatchSink::metric(sink, metric));
                });
            }
            Ok(rows::Logs(data)) => {
                let groups = data.and_then(|data| data.get_resource_logs());
                lend!(
                    groups,
                    get_scope_logs,
                    get_log_records,
                    |sink: &mut _, scope: &Scope<'_>, row| {
                        BatchSink::log(sink, &LogRow { table, row, scope: scope.name });
                    }
                );
            }
            Ok(rows::Unset(())) | Err(_) => {}
        }
    }
}

/// A reader that goes no further than `words` in all.
fn open(message: &[u8], words: Option<usize>) -> Result<Reader<BufferSegments<&[u8]>>, Refusal> {
    let options = ReaderOptions { traversal_limit_in_words: words, nesting_limit: NESTING };
    Ok(Reader::new(BufferSegments::new(message, options)?, options))
}

/// What a batch is announced as and what its rows are must be one thing.
fn agree(root: rows::Reader<'_>, signal: Signal) -> Result<(), Refusal> {
    let found = match root.which() {
        Ok(rows::Unset(())) => "nothing",
        Ok(rows::Traces(_)) if signal == Signal::Traces => return Ok(()),
        Ok(rows::Traces(_)) => "traces",
        Ok(rows::Metrics(_)) if signal == Signal::Metrics => return Ok(()),
        Ok(rows::Metrics(_)) => "metrics",
        Ok(rows::Logs(_)) if signal == Signal::Logs => return Ok(()),
        Ok(rows::Logs(_)) => "logs",
        Err(kind) => return Err(super::refusal::unknown("rows", kind)),
    };
    Err(Refusal::Malformed(format!(
        "the batch is announced as {}, and its rows hold {found}",
        format!("{signal:?}").to_lowercase()
    )))
}

/// The spans of a message of columns, which hold nothing else.
fn spans_of<'a>(root: columns::Reader<'a>, signal: Signal) -> Result<spans::Reader<'a>, Refusal> {
    let found = match root.which() {
        Ok(columns::Unset(())) => "nothing",
        Ok(columns::Spans(spans)) if signal == Signal::Traces => return Ok(spans?),
        Ok(columns::Spans(_)) => "traces",
        Err(kind) => return Err(super::refusal::unknown("columns", kind)),
    };
    Err(Refusal::Malformed(format!(
        "the batch is announced as {}, and its columns hold {found}",
        format!("{signal:?}").to_lowercase()
    )))
}
