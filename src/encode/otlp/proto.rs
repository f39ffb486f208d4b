//! The part of protobuf's wire format that OTLP needs, written into one growing buffer.

use bytes::BytesMut;

use super::copy::copy;

pub(super) const VARINT: u64 = 0;
pub(super) const FIXED64: u64 = 1;
pub(super) const LENGTH: u64 = 2;
const FIXED32: u64 = 5;

/// The least that a buffer grows to.
const FIRST: usize = 512;

/// Where the length of an open message will be.
#[derive(Debug)]
pub(super) struct Place {
    at: usize,
    reserved: usize,
}

/// A protobuf writer. What it writes is minimal: the same bytes as any canonical encoder's.
#[derive(Debug, Default)]
pub(super) struct Writer {
    /// What is written, and behind it room that is initialised already.
    bytes: BytesMut,
    used: usize,
}

impl Writer {
    /// Writes from the beginning of a buffer; what is in it already is room.
    pub(super) fn new(bytes: BytesMut) -> Self {
        Self { bytes, used: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.used
    }

    /// What is written and what is room, together.
    pub(super) fn memory(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.used]
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.used]
    }

    pub(super) fn clear(&mut self) {
        self.used = 0;
    }

    /// What is written.
    pub(super) fn take(&mut self) -> BytesMut {
        let used = self.used;
        let mut bytes = self.take_all();
        bytes.truncate(used);
        bytes
    }

    /// What is written, and the room behind it.
    pub(super) fn take_all(&mut self) -> BytesMut {
        self.used = 0;
        std::mem::take(&mut self.bytes)
    }

    /// `N` bytes of room, never `None`: what is written there is checked no more. `advance` says how many
    /// of them have been used.
    #[inline(always)]
    pub(super) fn room<const N: usize>(&mut self) -> Option<&mut [u8; N]> {
        if self.bytes.len() - self.used < N {
            self.grow(N);
        }
        self.bytes[self.used..].first_chunk_mut()
    }

    #[inline(always)]
    pub(super) fn advance(&mut self, size: usize) {
        self.used += size;
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, size: usize) {
        let needed = (self.used + size).max(FIRST).next_power_of_two();
        self.bytes.resize(needed.max(self.bytes.capacity()), 0);
    }

    #[inline(always)]
    fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        if let Some(room) = self.room() {
            *room = bytes;
            self.used += N;
        }
    }

    /// Leaves so many bytes to be written later.
    #[inline(always)]
    pub(super) fn skip(&mut self, size: usize) {
        self.room_of(size);
        self.used += size;
    }

    #[inline(always)]
    fn room_of(&mut self, size: usize) -> &mut [u8] {
        if self.bytes.len() - self.used < size {
            self.grow(size);
        }
        &mut self.bytes[self.used..][..size]
    }

    #[inline]
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        copy(self.room_of(bytes.len()), bytes);
        self.used += bytes.len();
    }

    #[inline]
    fn varint(&mut self, value: u64) {
        if value < 0x80 {
            self.put([low_digit(value)]);
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
        self.raw(&digits[..=width]);
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
        self.put([short_tag(field, FIXED64), a, b, c, d, e, f, g, h]);
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
            self.put(value.to_le_bytes());
        }
    }

    /// At most 16 bytes.
    #[inline(always)]
    fn short_field<const N: usize>(&mut self, field: u64, value: [u8; N]) {
        if let Some(room) = self.room::<18>() {
            room[..2].copy_from_slice(&[short_tag(field, LENGTH), N as u8]);
            room[2..N + 2].copy_from_slice(&value);
            self.used += N + 2;
        }
    }

    /// Left out if it is zero, which is none.
    #[inline]
    pub(super) fn trace_id(&mut self, field: u64, id: u128) {
        if id != 0 {
            self.short_field(field, id.to_be_bytes());
        }
    }

    /// Left out if it is zero, which is none.
    #[inline]
    pub(super) fn span_id(&mut self, field: u64, id: u64) {
        if id != 0 {
            self.short_field(field, id.to_be_bytes());
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
            values.for_each(|value| self.put(value.to_le_bytes()));
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
        self.text(field, value.as_bytes());
    }

    /// The same of text as bytes.
    #[inline]
    pub(super) fn text(&mut self, field: u64, value: &[u8]) {
        if !value.is_empty() {
            self.bytes_field(field, value);
        }
    }

    /// The head of a message whose length is known; the caller writes the body.
    #[inline]
    pub(super) fn message_head(&mut self, field: u64, length: usize) {
        if length < 0x80 {
            self.put([short_tag(field, LENGTH), low_digit(length as u64)]);
        } else {
            self.put([short_tag(field, LENGTH)]);
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
    #[inline(always)]
    pub(super) fn begin(&mut self, field: u64, reserved: usize) -> Place {
        self.put([short_tag(field, LENGTH)]);
        let at = self.used;
        self.skip(reserved);
        Place { at, reserved }
    }

    #[inline]
    pub(super) fn end(&mut self, Place { at, reserved }: Place) {
        let length = self.used - at - reserved;
        match (reserved, &mut self.bytes[at..]) {
            (1, [only, ..]) if length < 1 << 7 => *only = length as u8,
            (2, [first, second, ..]) if (1 << 7..1 << 14).contains(&length) => {
                (*first, *second) = (length as u8 | 0x80, (length >> 7) as u8);
            }
            _ => self.patch_length(at, reserved),
        }
    }

    #[inline(never)]
    fn patch_length(&mut self, at: usize, reserved: usize) {
        let body = at + reserved;
        let end = self.used;
        let length = end - body;
        let width = varint_len(length);
        if width > reserved {
            self.room_of(width - reserved);
        }
        if width != reserved {
            self.bytes.copy_within(body..end, at + width);
            self.used = at + width + length;
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

/// A varint of `length` bytes, with zeros behind them; `None` where it is longer than eight.
#[inline(always)]
pub(super) const fn digits(value: u64, length: usize) -> Option<[u8; 8]> {
    if length > 8 {
        return None;
    }
    // Seven bits a byte: the halves are moved apart, then each one's halves, then theirs.
    let spread = value & 0x0fff_ffff | (value & 0x00ff_ffff_f000_0000) << 4;
    let spread = spread & 0x0000_3fff_0000_3fff | (spread & 0x0fff_c000_0fff_c000) << 2;
    let spread = spread & 0x007f_007f_007f_007f | (spread & 0x3f80_3f80_3f80_3f80) << 1;
    let more = 0x0080_8080_8080_8080 >> (64 - 8 * length);
    Some((spread | more).to_le_bytes())
}

/// The tag of a field below 16, as all are but one.
#[inline]
pub(super) const fn short_tag(field: u64, wire_type: u64) -> u8 {
    debug_assert!(field < 16);
    (field << 3 | wire_type) as u8
}

#[inline]
fn low_digit(value: u64) -> u8 {
    (value & 0x7f) as u8
}
