//! Reads every field of a request, as our counting sink does.

use std::hint::black_box;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};

/// Gives the number of spans.
pub fn touch(request: &ExportTraceServiceRequest) -> u64 {
    let (mut fields, mut spans) = (Fields(0), 0);
    for group in &request.resource_spans {
        if let Some(resource) = &group.resource {
            fields.attributes(&resource.attributes);
        }
        fields.bytes(group.schema_url.as_bytes());
        for group in &group.scope_spans {
            if let Some(scope) = &group.scope {
                fields.bytes(scope.name.as_bytes());
                fields.bytes(scope.version.as_bytes());
                fields.attributes(&scope.attributes);
            }
            fields.bytes(group.schema_url.as_bytes());
            spans += group.spans.len() as u64;
            for span in &group.spans {
                for id in [&span.trace_id, &span.span_id, &span.parent_span_id] {
                    fields.bytes(id);
                }
                fields.add(span.start_time_unix_nano);
                fields.add(span.end_time_unix_nano);
                fields.add(span.flags.into());
                fields.bytes(span.name.as_bytes());
                fields.bytes(span.trace_state.as_bytes());
                fields.add(span.kind as u64);
                if let Some(status) = &span.status {
                    fields.bytes(status.message.as_bytes());
                    fields.add(status.code as u64);
                }
                fields.add(span.dropped_attributes_count.into());
                fields.add(span.dropped_events_count.into());
                fields.add(span.dropped_links_count.into());
                fields.attributes(&span.attributes);
                for event in &span.events {
                    fields.add(event.time_unix_nano);
                    fields.bytes(event.name.as_bytes());
                    fields.add(event.dropped_attributes_count.into());
                    fields.attributes(&event.attributes);
                }
                for link in &span.links {
                    fields.bytes(&link.trace_id);
                    fields.bytes(&link.span_id);
                    fields.add(link.flags.into());
                    fields.bytes(link.trace_state.as_bytes());
                    fields.add(link.dropped_attributes_count.into());
                    fields.attributes(&link.attributes);
                }
            }
        }
    }
    black_box(fields.0);
    spans
}

struct Fields(u64);

impl Fields {
    fn add(&mut self, number: u64) {
        self.0 = self.0.rotate_left(1) ^ number;
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.add(bytes.len() as u64);
        let mut rest = bytes;
        while let Some((word, behind)) = rest.split_first_chunk::<8>() {
            self.add(u64::from_le_bytes(*word));
            rest = behind;
        }
        match (rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
            (Some(first), Some(last)) => {
                self.add(u32::from_le_bytes(*first).into());
                self.add(u32::from_le_bytes(*last).into());
            }
            _ => rest.iter().for_each(|byte| self.add((*byte).into())),
        }
    }

    fn attributes(&mut self, attributes: &[KeyValue]) {
        for attribute in attributes {
            self.bytes(attribute.key.as_bytes());
            self.value(attribute.value.as_ref());
        }
    }

    fn value(&mut self, value: Option<&AnyValue>) {
        match value.and_then(|value| value.value.as_ref()) {
            Some(Value::StringValue(text)) => self.bytes(text.as_bytes()),
            Some(Value::BoolValue(value)) => self.add((*value).into()),
            Some(Value::IntValue(value)) => self.add(*value as u64),
            Some(Value::DoubleValue(value)) => self.add(value.to_bits()),
            Some(Value::BytesValue(bytes)) => self.bytes(bytes),
            Some(Value::ArrayValue(array)) => {
                array.values.iter().for_each(|value| self.value(Some(value)));
            }
            Some(Value::KvlistValue(list)) => self.attributes(&list.values),
            _ => self.add(0),
        }
    }
}
