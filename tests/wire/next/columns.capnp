@0xe3d5b8f19c0a7264;
# Spans as columns: what all of them have in one place stands together, in as few bytes as it takes.
using Common = import "common.capnp";
using Resource = import "resource.capnp";
using Trace = import "trace.capnp";

struct Columns {
  # The root of a frame of the format `columns`. It stands alone, as Rows do.
  texts @0 :Data;
  # All texts in order, UTF-8.
  textCount @1 :UInt32;
  # How many texts there are, besides text 0, which is the empty one. None of the others is empty.
  textLengths @2 :Column;
  # How many bytes each of them has, from text 1 on; together as many as `texts`.
  cells @3 :Data;
  # The cells of all columns. Behind the last one stand eight bytes more, so that each can be read as a
  # whole word.
  union {
    unset @4 :Void;
    spans @5 :Spans;
    later @6 :UInt64; # next
  }
  laterField @7 :UInt64; # next
  laterText @8 :Text; # next
}

struct Column {
  # Numbers, one for each item. That of item k, which counts from 0, is
  #   base + k * step + cell k
  # modulo 2^64, where cell k is the little-endian number in `width` bytes at `start + k * width`.
  # A column that is not there is all zeros.
  base @0 :UInt64;
  step @1 :UInt64;
  start @2 :UInt32;
  # Offset in `cells`.
  width @3 :UInt8;
  # 0 to 8. Of width 0 there are no cells: each is 0.
  laterField @4 :UInt64; # next
  laterText @5 :Text; # next
}

struct Spans {
  # Which span a number belongs to is its place: the spans of the first scope come first. Where nothing
  # else is said, a column is the field of that name in Trace.Span; texts are indexes.
  resources @0 :List(ResourceSpans);
  count @1 :UInt32;
  # How many spans there are.
  traceCount @2 :UInt32;
  traceIdHigh @3 :Column;
  traceIdLow @4 :Column;
  # These two are of traces, not of spans.
  trace @5 :Column;
  # Which of the traces.
  spanId @6 :Column;
  parentSpanId @7 :Column;
  startTimeUnixNano @8 :Column;
  duration @9 :Column;
  # endTimeUnixNano less startTimeUnixNano, modulo 2^64.
  flags @10 :Column;
  name @11 :Column;
  traceState @12 :Column;
  kind @13 :Column;
  statusCode @14 :Column;
  # These two are numbers of 32 bits with a sign.
  statusMessage @15 :Column;
  droppedAttributesCount @16 :Column;
  droppedEventsCount @17 :Column;
  droppedLinksCount @18 :Column;
  shape @19 :Column;
  # Which of the shapes.
  eventCount @20 :Column;
  linkCount @21 :Column;
  # How many of `events` and `links` are this span's: they lie in the order of the spans.
  shapes @22 :List(Shape);
  values @23 :List(Common.Value);
  # Those that no cell can hold.
  events @24 :List(Trace.Event);
  links @25 :List(Trace.Link);
  laterColumn @26 :Column; # next
  laterField @27 :UInt64; # next
  laterText @28 :Text; # next
}

struct ResourceSpans {
  schemaUrl @0 :UInt32;
  resource @1 :Resource.Resource;
  scopes @2 :List(ScopeSpans);
  laterField @3 :UInt64; # next
  laterText @4 :Text; # next
}

struct ScopeSpans {
  schemaUrl @0 :UInt32;
  scope @1 :Common.Scope;
  count @2 :UInt32;
  # How many spans are its: those behind the ones of the scope before it.
  laterField @3 :UInt64; # next
  laterText @4 :Text; # next
}

struct Shape {
  # Attributes of the same keys and kinds in the same order; each is a column of the spans of that shape,
  # in their order.
  attributes @0 :List(Attribute);
  laterField @1 :UInt64; # next
  laterText @2 :Text; # next
}

struct Attribute {
  # A Column whose numbers are values of this key.
  base @0 :UInt64;
  step @1 :UInt64;
  start @2 :UInt32;
  key @3 :UInt32;
  width @4 :UInt8;
  kind @5 :Kind;
  laterField @6 :UInt64; # next
  laterText @7 :Text; # next

  enum Kind {
    empty @0;
    # No value.
    string @1;
    # The index of a text.
    bool @2;
    # 0 or 1.
    int @3;
    # With a sign.
    double @4;
    # Its 64 bits.
    value @5;
    # The index of one of Spans.values.
    later @6; # next
  }
}
