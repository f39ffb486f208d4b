@0x9ff8c6c21f551568;
# What every signal shares. Follows opentelemetry-proto's common/v1.
#
# No text stands inside a record: it stands once per batch in the StringTable, and records carry
# its index. Index 0 is always the empty text, so that the zero default of a field means "not set".

struct StringTable {
  ends @0 :List(UInt32);
  # ends[i] is the offset in `blob` behind text i, which begins at ends[i-1]. ends[0] is 0, the list
  # never decreases, and its last element is the length of `blob`. Each offset is at a character's edge.
  blob @1 :Data;
  # All texts in order, UTF-8.
}

struct Value {
  # AnyValue.
  union {
    empty @0 :Void;
    string @1 :UInt32;
    # Index into the StringTable, as every `string` below.
    bool @2 :Bool;
    int @3 :Int64;
    double @4 :Float64;
    bytes @5 :Data;
    array @6 :List(Value);
    kvlist @7 :List(KeyValue);
    later @8 :UInt64; # next
  }
}

struct KeyValue {
  # The union of Value once more, inline: an attribute takes 24 bytes and no pointer to follow.
  key @0 :UInt32;
  union {
    empty @1 :Void;
    string @2 :UInt32;
    bool @3 :Bool;
    int @4 :Int64;
    double @5 :Float64;
    bytes @6 :Data;
    array @7 :List(Value);
    kvlist @8 :List(KeyValue);
    later @9 :UInt64; # next
  }
}

struct Scope {
  # InstrumentationScope.
  name @0 :UInt32;
  version @1 :UInt32;
  droppedAttributesCount @2 :UInt32;
  attributes @3 :List(KeyValue);
  laterField @4 :UInt64; # next
  laterText @5 :Text; # next
}
