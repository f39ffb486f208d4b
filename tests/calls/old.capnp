@0xbba6892e6a77f1ba;
# An interface before its calls were traced.

interface Echo @0xb7b5936adc641a1c {
  echo @0 (text :Text) -> (text :Text);
}
