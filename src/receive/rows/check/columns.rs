//! Spans as columns.

use capnp::struct_list;

use super::traces::{EVENT_FIELDS, LINK_FIELDS, SPAN_FIELDS};
use super::value::Depth;
use super::{Check, FIXED, Found, INT, delimited};
use crate::encode::capnp::columns::Numbers;
use crate::receive::rows::Refusal;
use crate::receive::rows::columns::{Attribute, Fields};
use crate::receive::rows::strings::Strings;
use crate::receive::rows::value::Value;
use crate::schema::columns_capnp::attribute::Kind;
use crate::schema::columns_capnp::spans;
use crate::schema::common_capnp::value;
use crate::schema::trace_capnp::{event, link};

/// What a value of `Spans.values` takes as OTLP, and how many of the values in it are left out there.
struct Weight {
    bytes: u64,
    cut: u64,
}

/// What a column of texts holds.
struct Texts {
    /// The bytes of all of them together, and of the longest.
    bytes: u64,
    longest: u64,
}

/// Checks the columns of `items` spans.
pub(in crate::receive::rows) fn check(
    from: spans::Reader<'_>,
    cells: &[u8],
    strings: &Strings<'_>,
    items: u32,
    otlp_bytes: usize,
) -> Result<Found, Refusal> {
    let mut check = Check { strings, limit: otlp_bytes as u64, size: 0, items: 0, cut: 0 };
    let count = from.get_count();
    if count != items {
        return Err(Refusal::Malformed(format!(
            "the batch holds {count} items, and itemCount announces {items}"
        )));
    }
    // A column of one number takes no cells, so that only this bounds what is done for each span.
    check.grow(u64::from(count) * SPAN_FIELDS)?;
    check.groups(from)?;
    let fields = Fields::open(from, cells)?;
    for (field, numbers) in [
        ("span.name", &fields.name),
        ("span.traceState", &fields.trace_state),
        ("span.statusMessage", &fields.status_message),
    ] {
        let texts = check.texts(numbers, count as usize, field)?;
        check.grow(texts.bytes + u64::from(count) * (delimited(texts.longest) - texts.longest))?;
    }
    let traces = u64::from(from.get_trace_count());
    if (0..count as usize).any(|index| fields.trace.at(index) >= traces) {
        return Err(Refusal::Malformed(format!("spans.trace: not one of {traces} traces")));
    }
    let weights = check.weights(from.get_values()?)?;
    check.shapes(from, cells, &fields, &weights)?;
    let events = from.get_events()?;
    agree("events", &fields.events, count, events.len())?;
    check.events(events)?;
    let links = from.get_links()?;
    agree("links", &fields.links, count, links.len())?;
    check.links(links)?;
    Ok(Found { otlp_bytes: check.size, cut: check.cut })
}

/// Whether the spans have all of a list together.
fn agree(name: &str, counts: &Numbers<'_>, spans: u32, length: u32) -> Result<(), Refusal> {
    let mut total = 0_u64;
    (0..spans as usize).for_each(|index| total = total.saturating_add(counts.at(index)));
    if total == u64::from(length) {
        return Ok(());
    }
    Err(Refusal::Malformed(format!("spans.{name}: {length}, and the spans have {total}")))
}

impl Check<'_> {
    fn groups(&mut self, from: spans::Reader<'_>) -> Result<(), Refusal> {
        let (mut spans, count) = (0_u64, from.get_count());
        for group in from.get_resources()? {
            self.resource(group.get_resource()?, group.get_schema_url())?;
            for group in group.get_scopes()? {
                self.scope(group.get_scope()?, group.get_schema_url())?;
                spans += u64::from(group.get_count());
            }
        }
        if spans == u64::from(count) {
            return Ok(());
        }
        Err(Refusal::Malformed(format!("the scopes have {spans} spans, and the batch {count}")))
    }

    /// Looks at each text that a column names.
    fn texts(
        &self,
        numbers: &Numbers<'_>,
        count: usize,
        field: &'static str,
    ) -> Result<Texts, Refusal> {
        let mut texts = Texts { bytes: 0, longest: 0 };
        let mut add = |number: u64, times: u64| {
            let length = u32::try_from(number).ok().and_then(|index| self.strings.length(index));
            let Some(length) = length else {
                return Err(self.no_text(u32::try_from(number).unwrap_or(u32::MAX), field));
            };
            texts.bytes += length as u64 * times;
            texts.longest = texts.longest.max(length as u64);
            Ok(())
        };
        match numbers.constant() {
            Some(number) if count > 0 => add(number, count as u64)?,
            _ => (0..count).try_for_each(|index| add(numbers.at(index), 1))?,
        }
        Ok(texts)
    }

    fn weights(
        &mut self,
        values: struct_list::Reader<'_, value::Owned>,
    ) -> Result<Vec<Weight>, Refusal> {
        let mut weights = Vec::with_capacity(values.len() as usize);
        let before = self.cut;
        for value in values {
            self.cut = 0;
            let bytes = self.value(Value::of(value)?, "span.attributes", Depth::default())?;
            weights.push(Weight { bytes, cut: self.cut });
        }
        self.cut = before;
        Ok(weights)
    }

    fn shapes(
        &mut self,
        from: spans::Reader<'_>,
        cells: &[u8],
        fields: &Fields<'_>,
        weights: &[Weight],
    ) -> Result<(), Refusal> {
        let shapes = from.get_shapes()?;
        let mut counts = vec![0_u32; shapes.len() as usize];
        for index in 0..from.get_count() as usize {
            let shape = usize::try_from(fields.shape.at(index)).unwrap_or(usize::MAX);
            let Some(count) = counts.get_mut(shape) else {
                let (of, shape) = (shapes.len(), fields.shape.at(index));
                return Err(Refusal::Malformed(format!("spans.shape: {shape} of {of} shapes")));
            };
            *count += 1;
        }
        for (shape, count) in shapes.into_iter().zip(counts) {
            for attribute in shape.get_attributes()? {
                let attribute = Attribute::open(attribute, count, cells)?;
                self.attribute(&attribute, count, weights)?;
            }
        }
        Ok(())
    }

    /// One attribute of `count` spans.
    fn attribute(
        &mut self,
        attribute: &Attribute<'_>,
        count: u32,
        weights: &[Weight],
    ) -> Result<(), Refusal> {
        let field = "span.attributes";
        let key = self.text(attribute.key, field)?;
        let (rows, numbers) = (u64::from(count), &attribute.numbers);
        // At least this, before anything is done for each of them.
        self.grow(rows * (key + 4))?;
        let grown = |value: u64| delimited(key + delimited(value)) - key - 4;
        match attribute.kind {
            Kind::Empty => self.grow(rows * grown(0)),
            Kind::Bool => self.grow(rows * grown(2)),
            Kind::Int => self.grow(rows * grown(INT)),
            Kind::Double => self.grow(rows * grown(FIXED)),
            Kind::String => {
                let texts = self.texts(numbers, count as usize, field)?;
                // Empty ones are written too.
                let longest = delimited(texts.longest);
                self.grow(texts.bytes + rows * (grown(longest) - texts.longest))
            }
            Kind::Value => {
                for row in 0..count as usize {
                    let number = numbers.at(row);
                    let weight = usize::try_from(number).ok().and_then(|at| weights.get(at));
                    let Some(weight) = weight else {
                        let of = weights.len();
                        let sentence = format!("{field}: value {number} of {of} values");
                        return Err(Refusal::Malformed(sentence));
                    };
                    self.cut += weight.cut;
                    self.grow(grown(weight.bytes))?;
                }
                Ok(())
            }
        }
    }

    fn events(&mut self, events: struct_list::Reader<'_, event::Owned>) -> Result<(), Refusal> {
        for event in events {
            self.grow(EVENT_FIELDS + self.text(event.get_name(), "event.name")?)?;
            self.pairs(event.get_attributes()?, "event.attributes")?;
        }
        Ok(())
    }

    fn links(&mut self, links: struct_list::Reader<'_, link::Owned>) -> Result<(), Refusal> {
        for link in links {
            self.grow(LINK_FIELDS + self.text(link.get_trace_state(), "link.traceState")?)?;
            self.pairs(link.get_attributes()?, "link.attributes")?;
        }
        Ok(())
    }
}
