//! Protobuf, written.

use pyo3::prelude::*;

/// A message under way. What has its default value is left out, as protobuf has it.
#[derive(Default)]
pub(super) struct Message(Vec<u8>);

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const BYTES: u32 = 2;
const FIXED32: u32 = 5;

impl Message {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn raw(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn tag(&mut self, field: u32, kind: u32) {
        self.raw(u64::from(field << 3 | kind));
    }

    pub(super) fn varint(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.set_varint(field, value);
        }
    }

    /// One of several fields: it says that it is the one.
    pub(super) fn set_varint(&mut self, field: u32, value: u64) {
        self.tag(field, VARINT);
        self.raw(value);
    }

    /// A `sint32`.
    pub(super) fn zigzag(&mut self, field: u32, value: i32) {
        let value = i64::from(value);
        self.varint(field, (value << 1 ^ value >> 63) as u64 & 0xffff_ffff);
    }

    pub(super) fn fixed32(&mut self, field: u32, value: u32) {
        if value != 0 {
            self.tag(field, FIXED32);
            self.0.extend_from_slice(&value.to_le_bytes());
        }
    }

    pub(super) fn fixed64(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.set_fixed64(field, value);
        }
    }

    pub(super) fn set_fixed64(&mut self, field: u32, value: u64) {
        self.tag(field, FIXED64);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn set_double(&mut self, field: u32, value: f64) {
        self.set_fixed64(field, value.to_bits());
    }

    pub(super) fn bytes(&mut self, field: u32, value: &[u8]) {
        if !value.is_empty() {
            self.set_bytes(field, value);
        }
    }

    pub(super) fn set_bytes(&mut self, field: u32, value: &[u8]) {
        self.tag(field, BYTES);
        self.raw(value.len() as u64);
        self.0.extend_from_slice(value);
    }

    pub(super) fn packed_fixed64(&mut self, field: u32, values: impl Iterator<Item = u64>) {
        let values: Vec<u8> = values.flat_map(u64::to_le_bytes).collect();
        self.bytes(field, &values);
    }

    pub(super) fn packed_varint(&mut self, field: u32, values: impl Iterator<Item = u64>) {
        let mut inner = Self::default();
        values.for_each(|value| inner.raw(value));
        self.bytes(field, &inner.0);
    }

    /// A message within this one, also where it is empty.
    pub(super) fn message(
        &mut self,
        field: u32,
        write: impl FnOnce(&mut Self) -> PyResult<()>,
    ) -> PyResult<()> {
        let mut inner = Self::default();
        write(&mut inner)?;
        self.set_bytes(field, &inner.0);
        Ok(())
    }
}
