@0xdef6107e42e6e95d;
# A host of objects: one method calls them all.

using import "/context.capnp".TraceContext;
# From the directory schema/ of trackside: capnp's -I, or `import_path` of capnpc.

interface Engine {
  invoke @0 (invocation :Invocation) -> (reply :Reply);
}

struct Invocation {
  classId @0 :Text;
  objectId @1 :Text;
  method @2 :Text;
  payload @3 :Data;
  context @4 :TraceContext;
  # Added last: a client that does not know it is served all the same, under a trace of its own.
}

struct Reply {
  union {
    ok @0 :Data;
    error @1 :Failure;
  }
}

struct Failure {
  kind @0 :Text;
  # One of a few words.
  message @1 :Text;
}
