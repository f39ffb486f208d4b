@0xf6377c22065bf9e9;
# The trace context of a call. Cap'n Proto RPC has no headers, so a schema that wants its calls
# traced embeds this struct in its parameters:
#
#   using Context = import "context.capnp";
#   echo @0 (text :Text, context :Context.TraceContext) -> (text :Text);
#
# A caller that knows nothing of it leaves it out; then every field reads as zero: no parent.

struct TraceContext {
  # The fields of W3C `traceparent`, and the headers `tracestate` and `baggage` as they are.
  traceIdHigh @0 :UInt64;
  traceIdLow @1 :UInt64;
  # The trace id's 16 bytes read big-endian; all zero: there is no context.
  spanId @2 :UInt64;
  # The caller's span; zero: there is no context.
  flags @3 :UInt8;
  # Bit 0: sampled. Bit 1: the trace id is random.
  traceState @4 :Text;
  baggage @5 :Text;
}
