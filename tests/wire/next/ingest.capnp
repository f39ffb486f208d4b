@0xb8b732c4b173782f;
# How telemetry is handed over: one connection, one session, batches with an answer each.
using Common = import "common.capnp";
using Trace = import "trace.capnp";
using Metrics = import "metrics.capnp";
using Logs = import "logs.capnp";

interface Gateway {
  # The bootstrap capability: all that a peer can hold before it has said who it is.

  open @0 (hello :Hello, credential :Credential) -> (session :Session, hello :Hello, credit :Credit);
  # Fails with "unauthorized: .." where the credential is not taken. `hello` of the answer is the
  # receiver's: a client sends only what that lists.
}

interface Session {
  export @0 (batch :Batch) -> (outcome :Outcome);
  # Answered once the batch is as safe as `outcome.durability` says.

  ping @1 (nonce :UInt64) -> (nonce :UInt64, credit :Credit);
  # Shows that the peer lives; brings fresh credit.

  close @2 () -> (acceptedBatches :UInt64);
  # Answered after all batches of the session are.
}

struct Hello {
  protocolMinor @0 :UInt16;
  # For logs; behaviour hangs on the lists below.
  name @1 :Text;
  version @2 :Text;
  # Of the program, as "trackside", "0.1.0".
  formats @3 :List(Frame.Format);
  compressions @4 :List(Frame.Compression);
  # What it can read. `rowsStandard` and `none` are always understood, listed or not.
  laterField @5 :UInt64; # next
  laterText @6 :Text; # next
}

struct Credential {
  union {
    anonymous @0 :Void;
    # Whatever the transport shows: a client certificate, the owner of a Unix socket's other end.
    bearer @1 :Data;
    # A token, as its bytes.
    later @2 :UInt64; # next
  }
}

struct Credit {
  # How much a client may have unanswered, and how large one batch may be. Zero batches: send nothing
  # more, close and connect anew.
  maxInFlightBatches @0 :UInt32;
  maxInFlightBytes @1 :UInt64;
  maxBatchBytes @2 :UInt64;
  maxUncompressedBytes @3 :UInt64;
}

struct Batch {
  exporterHigh @0 :UInt64;
  exporterLow @1 :UInt64;
  # Random for each exporter of each process, new after a fork.
  sequence @2 :UInt64;
  # Counts up from 1 for each exporter. A batch sent again keeps both: by them it is recognised.
  itemCount @3 :UInt32;
  # Spans, data points or log records in the body; a batch that holds another number is refused.
  signal @4 :Signal;
  body :union {
    none @5 :Void;
    rows @6 :Rows;
    # For clients without a compressor, and for tools.
    frame @7 :Frame;
    later @8 :UInt64; # next
  }
  laterField @9 :UInt64; # next
  laterText @10 :Text; # next

  enum Signal { unset @0; traces @1; metrics @2; logs @3; }
}

struct Rows {
  # The root of an encoded batch. It stands alone: no other batch is needed to read it.
  strings @0 :Common.StringTable;
  union {
    unset @1 :Void;
    traces @2 :Trace.TracesData;
    metrics @3 :Metrics.MetricsData;
    logs @4 :Logs.LogsData;
    later @5 :UInt64; # next
  }
}

struct Frame {
  format @0 :Format;
  compression @1 :Compression;
  uncompressedBytes @2 :UInt32;
  # Of `data` once it is decompressed.
  crc32c @3 :UInt32;
  # CRC-32C (Castagnoli) over `data` as it is here.
  data @4 :Data;

  enum Format {
    unset @0;
    rowsStandard @1;
    # A message with the root Rows, in the standard stream framing.
    rowsPacked @2;
    # The same in Cap'n Proto's packed encoding.
    columns @3;
    # A message with the root Columns of columns.capnp, in the standard stream framing. Of spans only.
    otlpProtobuf @4;
    # Reserved: the Export*ServiceRequest of the signal.
    later @5; # next
  }
  enum Compression { none @0; zstd @1; gzip @2; lz4 @3; }
}

struct Outcome {
  union {
    unset @0 :Void;
    accepted @1 :Void;
    duplicate @2 :Void;
    # Accepted before under the same exporter and sequence.
    partial :group {
      # Accepted but for `rejectedItems`; not to be sent again.
      rejectedItems @3 :UInt64;
      message @4 :Text;
    }
    retry :group {
      # Not now. The same batch may come again after `afterMillis`; 0: whenever the client thinks fit.
      afterMillis @5 :UInt32;
      reason @6 :Text;
    }
    rejected :group {
      # Never; not to be sent again.
      reason @7 :Rejection;
      detail @8 :Text;
    }
    later @12 :UInt64; # next
  }
  durability @9 :Durability;
  # What `accepted` meant for this batch.
  warning @10 :Text;
  # Accepted, but somebody should look at this.
  credit @11 :Credit;
  # Absent: as before.
  laterField @13 :UInt64; # next
  laterText @14 :Text; # next

  enum Rejection { unset @0; malformed @1; tooLarge @2; unsupported @3; unauthorized @4; quota @5; }
  enum Durability { unset @0; memory @1; disk @2; forwarded @3; }
}
