@0xc6cfdfae3d6578bc;
# Log records. Follows opentelemetry-proto's logs/v1.
using Common = import "common.capnp";
using Resource = import "resource.capnp";

struct LogsData {
  resourceLogs @0 :List(ResourceLogs);
}

struct ResourceLogs {
  schemaUrl @0 :UInt32;
  resource @1 :Resource.Resource;
  scopeLogs @2 :List(ScopeLogs);
}

struct ScopeLogs {
  schemaUrl @0 :UInt32;
  scope @1 :Common.Scope;
  logRecords @2 :List(LogRecord);
}

struct LogRecord {
  # Texts are indexes into the batch's StringTable; times are nanoseconds since the Unix epoch, 0: unknown.
  timeUnixNano @0 :UInt64;
  observedTimeUnixNano @1 :UInt64;
  traceIdHigh @2 :UInt64;
  traceIdLow @3 :UInt64;
  spanId @4 :UInt64;
  flags @5 :UInt32;
  severityNumber @6 :Int32;
  # OTLP's 1 to 24; 0: unknown.
  severityText @7 :UInt32;
  eventName @8 :UInt32;
  droppedAttributesCount @9 :UInt32;
  body @10 :Common.Value;
  # Absent: the record has no body.
  attributes @11 :List(Common.KeyValue);
  laterField @12 :UInt64; # next
  laterText @13 :Text; # next
}
