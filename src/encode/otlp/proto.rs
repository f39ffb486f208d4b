//! The part of protobuf's wire format that OTLP needs, written into one growing buffer.

const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const LENGTH: u64 = 2;
const FIXED32: u64 = 5;

/// Where the length of an open message will be.
#[derive(Debug)]
pub(super) struct Place {
    at: usize,
    reserved: usize,
}

/// A protobuf writer. What it writes is minimal: the same bytes as any canonical encoder's.
#[derive(Debug, Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    #[inline]
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    #[inline]
    fn varint(&mut self, value: u64) {
        if value < 0x80 {
            self.bytes.push(low_digit(value));
        } else {
            self.long_varint(value);
        }
    }

    fn long_varint(&mut self, mut value: u64) {
        // Composed on the stack, so that the buffer's capacity is checked once.
        let mut digits = [0; 10];
        let mut width = 0;
        while value >= 0x80 {
            digits[width] = low_digit(value) | 0x80;
            value >>= 7;
            width += 1;
        }
        digits[width] = low_digit(value);
        self.bytes.extend_from_slice(&digits[..=width]);
    }

    #[inline]
    fn tag(&mut self, field: u64, wire_type: u64) {
        self.varint(field << 3 | wire_type);
    }

    /// A member of a oneof: also written if it is zero.
    #[inline]
    pub(super) fn varint_field(&mut self, field: u64, value: u64) {
        self.tag(field, VARINT);
        self.varint(value);
    }

    /// A member of a oneof: also written if it is zero.
    #[inline]
    pub(super) fn fixed64_field(&mut self, field: u64, value: u64) {
        let [a, b, c, d, e, f, g, h] = value.to_le_bytes();
        self.raw(&[short_tag(field, FIXED64), a, b, c, d, e, f, g, h]);
    }

    /// A member of a oneof: also written if it is empty.
    #[inline]
    pub(super) fn bytes_field(&mut self, field: u64, value: &[u8]) {
        self.message_head(field, value.len());
        self.raw(value);
    }

    /// Left out if it is zero, as proto3 has it.
    #[inline]
    pub(super) fn uint(&mut self, field: u64, value: u32) {
        if value != 0 {
            self.varint_field(field, value.into());
        }
    }

    /// Left out if it is zero, as proto3 has it; a negative one takes ten bytes.
    #[inline]
    pub(super) fn int32(&mut self, field: u64, value: i32) {
        if value != 0 {
            self.varint_field(field, i64::from(value) as u64);
        }
    }

    /// Left out if it is zero, as proto3 has it.
    #[inline]
    pub(super) fn fixed64(&mut self, field: u64, value: u64) {
        if value != 0 {
            self.fixed64_field(field, value);
        }
    }

    /// Left out if it is zero, as proto3 has it.
    #[inline]
    pub(super) fn fixed32(&mut self, field: u64, value: u32) {
        if value != 0 {
            self.tag(field, FIXED32);
            self.raw(&value.to_le_bytes());
        }
    }

    /// In zigzag; left out if it is zero, as proto3 has it.
    pub(super) fn sint(&mut self, field: u64, value: i32) {
        self.uint(field, (value << 1 ^ value >> 31) as u32);
    }

    /// A field with presence: zero is written, nothing is not.
    pub(super) fn optional_double(&mut self, field: u64, value: Option<f64>) {
        if let Some(value) = value {
            self.fixed64_field(field, value.to_bits());
        }
    }

    /// Left out if there are none.
    pub(super) fn packed_fixed64(
        &mut self,
        field: u64,
        values: impl ExactSizeIterator<Item = u64>,
    ) {
        if values.len() != 0 {
            self.message_head(field, 8 * values.len());
            values.for_each(|value| self.raw(&value.to_le_bytes()));
        }
    }

    /// Left out if there are none.
    pub(super) fn packed_varint(&mut self, field: u64, values: &[u64]) {
        if !values.is_empty() {
            self.message_head(field, values.iter().map(|value| varint64_len(*value)).sum());
            values.iter().for_each(|value| self.varint(*value));
        }
    }

    /// Left out if it is empty, as proto3 has it.
    #[inline]
    pub(super) fn string(&mut self, field: u64, value: &str) {
        if !value.is_empty() {
            self.bytes_field(field, value.as_bytes());
        }
    }

    /// The head of a message whose length is known; the caller writes the body.
    #[inline]
    pub(super) fn message_head(&mut self, field: u64, length: usize) {
        if length < 0x80 {
            self.raw(&[short_tag(field, LENGTH), low_digit(length as u64)]);
        } else {
            self.bytes.push(short_tag(field, LENGTH));
            self.long_varint(length as u64);
        }
    }

    /// A message whose length is not known beforehand: `reserved` bytes are kept for it, and the
    /// body is moved if that guess was wrong.
    #[inline]
    pub(super) fn message(&mut self, field: u64, reserved: usize, body: impl FnOnce(&mut Self)) {
        let place = self.begin(field, reserved);
        body(self);
        self.end(place);
    }

    /// The same where one function does not see both ends; messages end in the reverse order.
    #[inline]
    pub(super) fn begin(&mut self, field: u64, reserved: usize) -> Place {
        self.tag(field, LENGTH);
        let at = self.bytes.len();
        self.bytes.resize(at + reserved, 0);
        Place { at, reserved }
    }

    #[inline]
    pub(super) fn end(&mut self, place: Place) {
        self.patch_length(place.at, place.reserved);
    }

    fn patch_length(&mut self, at: usize, reserved: usize) {
        let body = at + reserved;
        let end = self.bytes.len();
        let length = end - body;
        let width = varint_len(length);
        if width > reserved {
            self.bytes.resize(end + width - reserved, 0);
        }
        if width != reserved {
            self.bytes.copy_within(body..end, at + width);
            self.bytes.truncate(at + width + length);
        }
        let mut rest = length as u64;
        for digit in &mut self.bytes[at..at + width] {
            *digit = low_digit(rest) | 0x80;
            rest >>= 7;
        }
        self.bytes[at + width - 1] &= 0x7f;
    }
}

/// How many bytes `value` takes as a varint.
#[inline]
pub(super) const fn varint_len(value: usize) -> usize {
    varint64_len(value as u64)
}

/// How many bytes `value` takes as a varint.
#[inline]
pub(super) const fn varint64_len(value: u64) -> usize {
    ((64 - (value | 1).leading_zeros()) as usize).div_ceil(7)
}

/// The tag of a field below 16, as all are but one.
#[inline]
const fn short_tag(field: u64, wire_type: u64) -> u8 {
    debug_assert!(field < 16);
    (field << 3 | wire_type) as u8
}

#[inline]
fn low_digit(value: u64) -> u8 {
    (value & 0x7f) as u8
}
