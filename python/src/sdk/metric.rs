//! Metrics of Python's SDK.

use pyo3::prelude::*;
use pyo3::types::PyInt;

use super::common::{all, field, number, of_enum, resource, scope, span_id, text, trace_id};
use super::message::Message;

/// A request, and how many points are in it.
pub(super) fn request(data: &Bound<'_, PyAny>) -> PyResult<(usize, Vec<u8>)> {
    let (mut to, mut points) = (Message::default(), 0);
    for of in data.getattr("resource_metrics")?.try_iter()? {
        let of = of?;
        to.message(1, |to| {
            resource(to, &of.getattr("resource")?)?;
            for scoped in of.getattr("scope_metrics")?.try_iter()? {
                let scoped = scoped?;
                to.message(2, |to| {
                    scope(to, &scoped.getattr("scope")?)?;
                    for one in scoped.getattr("metrics")?.try_iter()? {
                        let one = one?;
                        to.message(2, |to| {
                            points += metric(to, &one)?;
                            Ok(())
                        })?;
                    }
                    text(to, 3, &field(&scoped, "schema_url")?)
                })?;
            }
            text(to, 3, &field(&of, "schema_url")?)
        })?;
    }
    Ok((points, to.into_bytes()))
}

type Write = fn(&mut Message, &Bound<'_, PyAny>) -> PyResult<()>;

fn metric(to: &mut Message, of: &Bound<'_, PyAny>) -> PyResult<usize> {
    text(to, 1, &field(of, "name")?)?;
    text(to, 2, &field(of, "description")?)?;
    text(to, 3, &field(of, "unit")?)?;
    let data = of.getattr("data")?;
    let kind = data.get_type().name()?;
    let (place, write): (u32, Write) = match &*kind.to_string_lossy() {
        "Gauge" => (5, point),
        "Sum" => (7, point),
        "Histogram" => (9, histogram),
        "ExponentialHistogram" => (10, exponential),
        // Of a kind that this version of OTLP does not know.
        _ => return Ok(0),
    };
    let mut points = 0;
    to.message(place, |to| {
        for point in data.getattr("data_points")?.try_iter()? {
            let point = point?;
            points += 1;
            to.message(1, |to| write(to, &point))?;
        }
        let temporality = field(&data, "aggregation_temporality")?;
        to.varint(
            2,
            match of_enum(&temporality)? {
                0 => number(&temporality),
                value => value,
            },
        );
        to.varint(3, field(&data, "is_monotonic")?.is_truthy()?.into());
        Ok(())
    })?;
    Ok(points)
}

fn times(to: &mut Message, of: &Bound<'_, PyAny>) -> PyResult<()> {
    to.fixed64(2, number(&field(of, "start_time_unix_nano")?));
    to.fixed64(3, number(&field(of, "time_unix_nano")?));
    Ok(())
}

/// A value where its kind says the field.
fn measured(to: &mut Message, double: u32, int: u32, of: &Bound<'_, PyAny>) -> PyResult<()> {
    if of.is_instance_of::<PyInt>() {
        if let Ok(value) = of.extract::<i64>() {
            to.set_fixed64(int, value as u64);
            return Ok(());
        }
    }
    if !of.is_none() {
        to.set_double(double, of.extract()?);
    }
    Ok(())
}

fn exemplars(to: &mut Message, place: u32, of: &Bound<'_, PyAny>) -> PyResult<()> {
    let exemplars = field(of, "exemplars")?;
    if exemplars.is_none() {
        return Ok(());
    }
    for one in exemplars.try_iter()? {
        let one = one?;
        to.message(place, |to| {
            to.fixed64(2, number(&field(&one, "time_unix_nano")?));
            measured(to, 3, 6, &field(&one, "value")?)?;
            if let Some(id) = span_id(&field(&one, "span_id")?) {
                to.bytes(4, &id);
            }
            if let Some(id) = trace_id(&field(&one, "trace_id")?) {
                to.bytes(5, &id);
            }
            all(to, 7, &field(&one, "filtered_attributes")?)
        })?;
    }
    Ok(())
}

fn point(to: &mut Message, of: &Bound<'_, PyAny>) -> PyResult<()> {
    times(to, of)?;
    measured(to, 4, 6, &field(of, "value")?)?;
    exemplars(to, 5, of)?;
    all(to, 7, &field(of, "attributes")?)?;
    to.varint(8, number(&field(of, "flags")?));
    Ok(())
}

fn double(to: &mut Message, place: u32, of: &Bound<'_, PyAny>) {
    // Where nothing was measured the least is infinite, which is none.
    if let Some(value) = of.extract::<f64>().ok().filter(|value| value.is_finite()) {
        to.set_double(place, value);
    }
}

fn histogram(to: &mut Message, of: &Bound<'_, PyAny>) -> PyResult<()> {
    times(to, of)?;
    to.fixed64(4, number(&field(of, "count")?));
    double(to, 5, &field(of, "sum")?);
    to.packed_fixed64(6, field(of, "bucket_counts")?.extract::<Vec<u64>>()?.into_iter());
    let bounds: Vec<f64> = field(of, "explicit_bounds")?.extract()?;
    to.packed_fixed64(7, bounds.into_iter().map(f64::to_bits));
    exemplars(to, 8, of)?;
    all(to, 9, &field(of, "attributes")?)?;
    to.varint(10, number(&field(of, "flags")?));
    double(to, 11, &field(of, "min")?);
    double(to, 12, &field(of, "max")?);
    Ok(())
}

fn exponential(to: &mut Message, of: &Bound<'_, PyAny>) -> PyResult<()> {
    all(to, 1, &field(of, "attributes")?)?;
    times(to, of)?;
    to.fixed64(4, number(&field(of, "count")?));
    double(to, 5, &field(of, "sum")?);
    to.zigzag(6, field(of, "scale")?.extract()?);
    to.fixed64(7, number(&field(of, "zero_count")?));
    for (place, name) in [(8, "positive"), (9, "negative")] {
        let buckets = field(of, name)?;
        if !buckets.is_none() {
            to.message(place, |to| {
                to.zigzag(1, field(&buckets, "offset")?.extract()?);
                let counts: Vec<u64> = field(&buckets, "bucket_counts")?.extract()?;
                to.packed_varint(2, counts.into_iter());
                Ok(())
            })?;
        }
    }
    to.varint(10, number(&field(of, "flags")?));
    exemplars(to, 11, of)?;
    double(to, 12, &field(of, "min")?);
    double(to, 13, &field(of, "max")?);
    Ok(())
}
