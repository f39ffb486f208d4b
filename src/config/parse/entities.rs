//! `OTEL_ENTITIES`: `type{id=value,..}[description=value,..]@schema_url;..`.

use super::{percent_decode, quote};

type Pairs = Vec<(String, String)>;

/// One entity; its schema is checked and not kept.
struct Entity<'a> {
    kind: &'a str,
    id: Pairs,
    description: Pairs,
}

/// The attributes of all entities. What is malformed is left out; of what contradicts another the last counts.
pub(in crate::config) fn entities(text: &str, complaints: &mut Vec<String>) -> Option<Pairs> {
    let mut all: Vec<Entity<'_>> = Vec::new();
    for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        let entity = match entity(part, complaints) {
            Ok(entity) => entity,
            Err(why) => {
                complaints.push(format!("{}: {why}; left out", quote(part)));
                continue;
            }
        };
        let mut replaced = false;
        all.retain(|other| {
            let contradicts = |(key, value): &(String, String)| {
                entity.id.iter().any(|(known, new)| known == key && new != value)
            };
            let is_same = other.kind == entity.kind
                && (other.id == entity.id || other.id.iter().any(contradicts));
            replaced |= is_same;
            !is_same
        });
        for other in &mut all {
            for (key, value) in entity.id.iter().chain(&entity.description) {
                let is_other = |(known, old): &(String, String)| known == key && old != value;
                let before = other.description.len() + other.id.len();
                other.description.retain(|pair| !is_other(pair));
                other.id.retain(|pair| !is_other(pair));
                replaced |= before != other.description.len() + other.id.len();
            }
        }
        if replaced {
            complaints.push(format!("{} contradicts one before it; the last counts", quote(part)));
        }
        all.push(entity);
    }
    let mut found = Pairs::new();
    for Entity { id, description, .. } in all {
        for (key, value) in id.into_iter().chain(description) {
            super::put(&mut found, key, value);
        }
    }
    (!found.is_empty()).then_some(found)
}

fn entity<'a>(part: &'a str, complaints: &mut Vec<String>) -> Result<Entity<'a>, &'static str> {
    const NO_ENTITY: &str = "not of the form type{key=value}[key=value]@schema_url";
    let (kind, rest) = part.split_once('{').ok_or(NO_ENTITY)?;
    let (id, rest) = rest.split_once('}').ok_or(NO_ENTITY)?;
    let (description, schema) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or(NO_ENTITY)?,
        None => ("", rest),
    };
    if !is_name(kind) {
        return Err("its type is a letter, and letters, digits, dots, hyphens and underscores");
    }
    let mut id = pairs(id)?;
    // Entities are the same whatever the order.
    id.sort();
    if id.is_empty() {
        return Err("it has no attribute that identifies it");
    }
    let description = if description.is_empty() { Pairs::new() } else { pairs(description)? };
    match schema.strip_prefix('@') {
        None if schema.is_empty() => {}
        None => return Err(NO_ENTITY),
        Some(url) if url.contains("://") && url.parse::<http::Uri>().is_ok() => {}
        Some(_) => complaints.push(format!("{}: its schema is no URL; ignored", quote(part))),
    }
    Ok(Entity { kind, id, description })
}

fn pairs(text: &str) -> Result<Pairs, &'static str> {
    let mut found = Pairs::new();
    for member in text.split(',').filter(|member| !member.is_empty()) {
        let (key, value) = member.split_once('=').ok_or("an attribute is written key=value")?;
        if !is_name(key) {
            return Err("a key is a letter, and letters, digits, dots, hyphens and underscores");
        }
        if value.contains(['{', '}', '[', ']', '@', '=']) {
            return Err("a value has {}[]@;,= percent-encoded");
        }
        let value = percent_decode(value).and_then(|value| String::from_utf8(value).ok());
        super::put(&mut found, key.to_owned(), value.ok_or("a value is not percent-encoded text")?);
    }
    Ok(found)
}

fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::entities;

    fn read(text: &str) -> (String, Vec<String>) {
        let mut complaints = Vec::new();
        let pairs = entities(text, &mut complaints).unwrap_or_default();
        (pairs.iter().map(|(key, value)| format!("{key}={value}|")).collect(), complaints)
    }

    /// The examples of the specification.
    #[test]
    fn good_entities_give_their_attributes() {
        for (text, expected) in [
            (
                "service{service.name=my-app,service.instance.id=instance-1}[service.version=1.0.0]",
                "service.instance.id=instance-1|service.name=my-app|service.version=1.0.0|",
            ),
            (
                "service{service.name=a}@https://opentelemetry.io/schemas/1.21.0;host{host.id=h}[host.name=w]",
                "service.name=a|host.id=h|host.name=w|",
            ),
            (
                ";service{service.name=app1};;host{host.id=host-123};",
                "service.name=app1|host.id=host-123|",
            ),
            (
                "service{service.name=my%2Capp}[config=key%3Dvalue%5Bprod%5D]",
                "service.name=my,app|config=key=value[prod]|",
            ),
        ] {
            assert_eq!(read(text), (expected.to_owned(), Vec::new()), "{text}");
        }
    }

    #[test]
    fn bad_entities_are_left_out_and_the_others_stay() {
        for (text, expected, complaint) in [
            (
                "service{service.name=app1};invalid{syntax;host{host.id=1}",
                "service.name=app1|host.id=1|",
                "\"invalid{syntax\": not of the form",
            ),
            (
                "service{};host{host.id=123}",
                "host.id=123|",
                "\"service{}\": it has no attribute that identifies it",
            ),
            ("{a=1}", "", "its type is a letter"),
            ("1a{a=1}", "", "its type is a letter"),
            ("a{b}", "", "an attribute is written key=value"),
            ("a{=1}", "", "a key is a letter"),
            ("a{b=1=2}", "", "percent-encoded"),
            ("a{b=%zz}", "", "a value is not percent-encoded text"),
            ("a{b=1}[c=2", "", "not of the form"),
            ("a{b=1}x", "", "not of the form"),
            (
                "service{service.name=app1}@invalid-url",
                "service.name=app1|",
                "its schema is no URL",
            ),
            (
                "service{service.name=app1}[version=1.0];service{service.name=app1}[version=2.0]",
                "service.name=app1|version=2.0|",
                "contradicts one before it",
            ),
            (
                "service{service.name=app1};service{service.name=app2}",
                "service.name=app2|",
                "contradicts one before it",
            ),
            (
                "a{x=1}[version=1.0];b{y=2}[version=2.0]",
                "x=1|y=2|version=2.0|",
                "contradicts one before it",
            ),
        ] {
            let (pairs, complaints) = read(text);
            assert_eq!(pairs, expected, "{text}");
            assert!(
                matches!(&complaints[..], [one] if one.contains(complaint)),
                "{text}: {complaints:?}"
            );
        }
    }
}
