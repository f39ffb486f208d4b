@0xea9be3aae15ceb4e;
# Metrics. Follows opentelemetry-proto's metrics/v1.
using Common = import "common.capnp";
using Resource = import "resource.capnp";

struct MetricsData {
  resourceMetrics @0 :List(ResourceMetrics);
}

struct ResourceMetrics {
  schemaUrl @0 :UInt32;
  resource @1 :Resource.Resource;
  scopeMetrics @2 :List(ScopeMetrics);
}

struct ScopeMetrics {
  schemaUrl @0 :UInt32;
  scope @1 :Common.Scope;
  metrics @2 :List(Metric);
}

struct Metric {
  # Texts are indexes into the batch's StringTable.
  name @0 :UInt32;
  description @1 :UInt32;
  unit @2 :UInt32;
  metadata @3 :List(Common.KeyValue);
  data :union {
    # `temporality` is OTLP's AggregationTemporality as a number: 1 delta, 2 cumulative.
    none @4 :Void;
    gauge :group {
      points @5 :List(NumberPoint);
    }
    sum :group {
      points @6 :List(NumberPoint);
      temporality @7 :Int32;
      isMonotonic @8 :Bool;
    }
    histogram :group {
      points @9 :List(HistogramPoint);
      temporality @10 :Int32;
    }
    exponentialHistogram :group {
      points @11 :List(ExponentialHistogramPoint);
      temporality @12 :Int32;
    }
    summary :group {
      points @13 :List(SummaryPoint);
    }
    later @14 :UInt64; # next
  }
}

struct NumberPoint {
  # Times are nanoseconds since the Unix epoch.
  startTimeUnixNano @0 :UInt64;
  timeUnixNano @1 :UInt64;
  flags @2 :UInt32;
  value :union { none @3 :Void; double @4 :Float64; int @5 :Int64; }
  attributes @6 :List(Common.KeyValue);
  exemplars @7 :List(Exemplar);
  laterField @8 :UInt64; # next
  laterText @9 :Text; # next
}

struct HistogramPoint {
  startTimeUnixNano @0 :UInt64;
  timeUnixNano @1 :UInt64;
  count @2 :UInt64;
  flags @3 :UInt32;
  # proto3 `optional`: absent is not zero.
  sum :union { absent @4 :Void; value @5 :Float64; }
  min :union { absent @6 :Void; value @7 :Float64; }
  max :union { absent @8 :Void; value @9 :Float64; }
  bucketCounts @10 :List(UInt64);
  explicitBounds @11 :List(Float64);
  attributes @12 :List(Common.KeyValue);
  exemplars @13 :List(Exemplar);
}

struct ExponentialHistogramPoint {
  startTimeUnixNano @0 :UInt64;
  timeUnixNano @1 :UInt64;
  count @2 :UInt64;
  zeroCount @3 :UInt64;
  zeroThreshold @4 :Float64;
  scale @5 :Int32;
  flags @6 :UInt32;
  sum :union { absent @7 :Void; value @8 :Float64; }
  min :union { absent @9 :Void; value @10 :Float64; }
  max :union { absent @11 :Void; value @12 :Float64; }
  positive :group { offset @13 :Int32; counts @14 :List(UInt64); }
  negative :group { offset @15 :Int32; counts @16 :List(UInt64); }
  attributes @17 :List(Common.KeyValue);
  exemplars @18 :List(Exemplar);
}

struct SummaryPoint {
  startTimeUnixNano @0 :UInt64;
  timeUnixNano @1 :UInt64;
  count @2 :UInt64;
  sum @3 :Float64;
  flags @4 :UInt32;
  quantiles @5 :List(Quantile);
  attributes @6 :List(Common.KeyValue);
  struct Quantile { quantile @0 :Float64; value @1 :Float64; }
}

struct Exemplar {
  timeUnixNano @0 :UInt64;
  traceIdHigh @1 :UInt64;
  traceIdLow @2 :UInt64;
  spanId @3 :UInt64;
  value :union { none @4 :Void; double @5 :Float64; int @6 :Int64; }
  filteredAttributes @7 :List(Common.KeyValue);
}
