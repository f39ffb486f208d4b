@0x8fafcd294b52fb5d;
# The same interface, of which the calls are traced; and what a client can do with it.

using import "/context.capnp".TraceContext;

interface Echo @0xb7b5936adc641a1c {
  echo @0 (text :Text, context :TraceContext) -> (text :Text);
  push @1 (text :Text, context :TraceContext) -> ();
  hang @2 (context :TraceContext) -> ();
  # Never answers.
}
