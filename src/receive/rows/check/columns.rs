//! Spans as columns.

use capnp::struct_list;

use super::traces::{EVENT_FIELDS, LINK_FIELDS, SPAN_FIELDS};
use super::value::Depth;
use super::{Check, FIXED, Found, INT, delimited};
use crate::encode::capnp::columns::Numbers;
use crate::receive::rows::Refusal;
use crate::receive::rows::columns::{Attribute, Fields, counts};
use crate::receive::rows::strings::Lengths;
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

/// Checks the columns of `items` spans.
pub(in crate::receive::rows) fn check<'a>(
    from: spans::Reader<'a>,
    cells: &[u8],
    mut check: Check<'a>,
    items: u32,
) -> Result<Found, Refusal> {
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
    let most = fields.trace.fold(count as usize, 0, |most: u64, trace| most.max(trace));
    if count != 0 && most >= traces {
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
    let total = match counts.constant() {
        Some(each) => each.saturating_mul(spans.into()),
        None => counts.fold(spans as usize, 0, u64::saturating_add),
    };
    if total == u64::from(length) {
        return Ok(());
    }
    Err(Refusal::Malformed(format!("spans.{name}: {length}, and the spans have {total}")))
}

impl<'a> Check<'a> {
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
    ) -> Result<Lengths, Refusal> {
        // Of the same ones, one look is enough.
        let looks = if numbers.constant().is_some() { count.min(1) } else { count };
        let mut lengths = self
            .strings
            .lengths(numbers, looks)
            .map_err(|number| self.no_text(u32::try_from(number).unwrap_or(u32::MAX), field))?;
        if looks < count {
            lengths.bytes *= count as u64;
        }
        Ok(lengths)
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
        let counts = counts(&fields.shape, from.get_count(), shapes.len() as usize);
        let counts = counts.map_err(|shape| {
            let of = shapes.len();
            Refusal::Malformed(format!("spans.shape: {shape} of {of} shapes"))
        })?;
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

    fn events(&mut self, events: struct_list::Reader<'a, event::Owned>) -> Result<(), Refusal> {
        for event in events {
            self.grow(EVENT_FIELDS + self.text(event.get_name(), "event.name")?)?;
            self.attributes(event, 0, |event| event.get_attributes(), "event.attributes")?;
        }
        Ok(())
    }

    fn links(&mut self, links: struct_list::Reader<'a, link::Owned>) -> Result<(), Refusal> {
        for link in links {
            self.grow(LINK_FIELDS + self.text(link.get_trace_state(), "link.traceState")?)?;
            self.attributes(link, 0, |link| link.get_attributes(), "link.attributes")?;
        }
        Ok(())
    }
}
