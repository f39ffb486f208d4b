@0xca82ea6c0a6e9d61;
# Spans. Follows opentelemetry-proto's trace/v1.
using Common = import "common.capnp";
using Resource = import "resource.capnp";

struct TracesData {
  resourceSpans @0 :List(ResourceSpans);
}

struct ResourceSpans {
  schemaUrl @0 :UInt32;
  resource @1 :Resource.Resource;
  scopeSpans @2 :List(ScopeSpans);
}

struct ScopeSpans {
  schemaUrl @0 :UInt32;
  scope @1 :Common.Scope;
  spans @2 :List(Span);
}

struct Span {
  # Texts are indexes into the batch's StringTable; times are nanoseconds since the Unix epoch.
  traceIdHigh @0 :UInt64;
  traceIdLow @1 :UInt64;
  # The 16 bytes of W3C's trace id read big-endian; all zero: none.
  spanId @2 :UInt64;
  # The 8 bytes read big-endian; zero: none.
  parentSpanId @3 :UInt64;
  # Zero: a root.
  startTimeUnixNano @4 :UInt64;
  endTimeUnixNano @5 :UInt64;
  flags @6 :UInt32;
  # OTLP's SpanFlags: the byte of `traceparent`, bit 8: it is known whether the parent is remote, bit 9: it is.
  name @7 :UInt32;
  traceState @8 :UInt32;
  kind @9 :Int32;
  # OTLP's SpanKind and StatusCode as numbers, not as enums, so that an unknown one survives forwarding.
  statusCode @10 :Int32;
  statusMessage @11 :UInt32;
  droppedAttributesCount @12 :UInt32;
  droppedEventsCount @13 :UInt32;
  droppedLinksCount @14 :UInt32;
  attributes @15 :List(Common.KeyValue);
  events @16 :List(Event);
  links @17 :List(Link);
  laterField @18 :UInt64; # next
  laterText @19 :Text; # next
}

struct Event {
  timeUnixNano @0 :UInt64;
  name @1 :UInt32;
  droppedAttributesCount @2 :UInt32;
  attributes @3 :List(Common.KeyValue);
}

struct Link {
  traceIdHigh @0 :UInt64;
  traceIdLow @1 :UInt64;
  spanId @2 :UInt64;
  flags @3 :UInt32;
  traceState @4 :UInt32;
  droppedAttributesCount @5 :UInt32;
  attributes @6 :List(Common.KeyValue);
}
