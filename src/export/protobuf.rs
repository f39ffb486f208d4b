//! Reads the little protobuf that a collector answers with.

/// One field of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// A fixed32 or fixed64; no field that is read here has one.
    Fixed,
}

/// The fields of a message in turn; `None` where it is no protobuf.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn field(&mut self) -> Option<(u64, Value<'a>)> {
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => Value::Varint(self.varint()?),
            1 => self.take(8).map(|_| Value::Fixed)?,
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Value::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Value::Fixed)?,
            // Groups are long gone, and 6 and 7 never were.
            _ => return None,
        };
        let number = tag >> 3;
        (number != 0).then_some((number, value))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }
}

impl<'a> Iterator for Fields<'a> {
    /// `None` where the rest is no protobuf; nothing follows it.
    type Item = Option<(u64, Value<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.rest = &[];
        }
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_of_each_wire_type() {
        let message = b"\x08\x96\x01\x12\x02hi\x19........\x25....";
        let fields: Option<Vec<_>> = Fields::of(message).collect();
        let expected = vec![
            (1, Value::Varint(150)),
            (2, Value::Bytes(b"hi")),
            (3, Value::Fixed),
            (4, Value::Fixed),
        ];
        assert_eq!(fields, Some(expected));
    }

    #[test]
    fn what_is_no_protobuf_ends_the_fields() {
        let bad: [&[u8]; 6] = [b"{}", b"\x08", b"\x12\x05hi", b"\x00\x01", b"\x0b", &[0xff; 11]];
        for message in bad {
            assert_eq!(Fields::of(message).collect::<Option<Vec<_>>>(), None, "{message:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_end(message: Vec<u8>) {
            prop_assert!(Fields::of(&message).count() <= message.len());
        }
    }
}
