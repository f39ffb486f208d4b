//! What is in a request of OTLP, counted without decoding it: a sink that shares the cores of what is measured must not
//! cost more than it has to.

use crate::Result;

/// What one request brought.
#[derive(Debug, Default)]
pub struct Items {
    pub spans: u64,
    pub points: u64,
    /// What the points of the metrics that were asked for add up to: a counter's sums, a histogram's counts.
    pub records: Option<u64>,
}

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The fields of a message, one after the other.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn next(&mut self) -> Result<Option<(u64, Value<'a>)>> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => Value::Number(self.varint()?),
            1 => Value::Number(u64::from_le_bytes(self.take(8)?.try_into()?)),
            2 => {
                let length = self.varint()?;
                Value::Bytes(self.take(length)?)
            }
            5 => Value::Number(u32::from_le_bytes(self.take(4)?.try_into()?).into()),
            wire => return Err(format!("no field has the wire type {wire}").into()),
        };
        Ok(Some((tag >> 3, value)))
    }

    fn varint(&mut self) -> Result<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = *self.take(1)? else { break };
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err("a number of more than ten bytes".into())
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8]> {
        let taken = self.0.split_at_checked(usize::try_from(length)?);
        let (taken, rest) = taken.ok_or("a field goes beyond its message")?;
        self.0 = rest;
        Ok(taken)
    }
}

/// Calls `each` with every message that the field holds.
fn messages<'a>(
    message: &'a [u8],
    field: u64,
    mut each: impl FnMut(&'a [u8]) -> Result<()>,
) -> Result<()> {
    let mut fields = Fields(message);
    while let Some((number, value)) = fields.next()? {
        if let (true, Value::Bytes(bytes)) = (number == field, value) {
            each(bytes)?;
        }
    }
    Ok(())
}

/// An `ExportTraceServiceRequest`: resources, scopes, spans.
pub fn traces(request: &[u8]) -> Result<Items> {
    let mut items = Items::default();
    messages(request, 1, |resource| {
        messages(resource, 2, |scope| {
            messages(scope, 2, |_| {
                items.spans += 1;
                Ok(())
            })
        })
    })?;
    Ok(items)
}

/// An `ExportMetricsServiceRequest`: resources, scopes, metrics.
pub fn metrics(request: &[u8], wanted: &[&str]) -> Result<Items> {
    let mut items = Items::default();
    messages(request, 1, |resource| {
        messages(resource, 2, |scope| messages(scope, 2, |one| metric(one, wanted, &mut items)))
    })?;
    Ok(items)
}

/// Its points: of a gauge (5), a sum (7), a histogram (9 or 10), a summary (11).
fn metric(message: &[u8], wanted: &[&str], items: &mut Items) -> Result<()> {
    let mut name: &[u8] = &[];
    let mut recorded = 0;
    let mut fields = Fields(message);
    while let Some((number, value)) = fields.next()? {
        match (number, value) {
            (1, Value::Bytes(bytes)) => name = bytes,
            (5 | 7 | 9 | 10 | 11, Value::Bytes(data)) => messages(data, 1, |point| {
                items.points += 1;
                // A sum's value (6) or a histogram's count (4), 64 bits each.
                let place = if number == 7 { 6 } else { 4 };
                let mut fields = Fields(point);
                while let Some((number, value)) = fields.next()? {
                    if let (true, Value::Number(value)) = (number == place, value) {
                        recorded += value;
                    }
                }
                Ok(())
            })?,
            _ => {}
        }
    }
    if wanted.iter().any(|wanted| wanted.as_bytes() == name) {
        *items.records.get_or_insert_default() += recorded;
    }
    Ok(())
}
