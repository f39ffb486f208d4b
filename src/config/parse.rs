//! The specification's rules: from one text to one value, and what there is to complain about.

mod carriers;
mod entities;
mod refused;
mod semconv;

use std::path::PathBuf;
use std::time::Duration;

use http::header::{self, HeaderName, HeaderValue};

use super::endpoint::Endpoint;
use super::plan::{
    Exemplars, Histograms, Propagator, Propagators, Protocol, Root, SamplerPlan, Temporality,
};
use crate::export::{HAS_GRPC, NO_GRPC};
use crate::health::diagnostics::Level;

pub(super) use super::proxy::proxy;
pub(super) use carriers::{baggage, traceparent, tracestate};
pub(super) use entities::entities;
pub(super) use semconv::semconv;

use refused::REFUSED;

/// Reads a text; `None` is as good as unset. A complaint is a sentence without the variable's name,
/// and shows no secret.
pub(crate) type Rule<T> = fn(&str, &mut Vec<String>) -> Option<T>;

/// A value that has no right default: `Err` is why there is none.
pub(crate) type Checked<T> = Result<T, String>;

/// A header, ready to send.
pub(crate) type Header = (HeaderName, HeaderValue);

/// A comma list, or the word `none`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Listed<T> {
    Nothing,
    These(Vec<T>),
}

/// An exporter by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exporter {
    Otlp,
    Capnp,
    Console,
    File,
    Stdout,
    Prometheus,
}

/// A compression by its name; not every exporter knows each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    None,
    Gzip,
    Zstd,
}

/// The specification asks for no more than this of whole numbers.
const MOST: u64 = i32::MAX as u64;

/// Samplers by name; those with a ratio carry 1.
const SAMPLERS: [(&str, SamplerPlan); 6] = [
    ("always_on", SamplerPlan::AlwaysOn),
    ("always_off", SamplerPlan::AlwaysOff),
    ("traceidratio", SamplerPlan::Ratio(1.0)),
    ("parentbased_always_on", SamplerPlan::ParentBased(Root::AlwaysOn)),
    ("parentbased_always_off", SamplerPlan::ParentBased(Root::AlwaysOff)),
    ("parentbased_traceidratio", SamplerPlan::ParentBased(Root::Ratio(1.0))),
];

/// Only `true` is true; all else is false.
pub(super) fn boolean(text: &str, complaints: &mut Vec<String>) -> Option<bool> {
    let word = text.trim();
    let on = word.eq_ignore_ascii_case("true");
    if !on && !word.eq_ignore_ascii_case("false") {
        complaints.push(format!("{} is neither true nor false; false is used", quote(text)));
    }
    Some(on)
}

/// Set to anything.
pub(super) fn presence(_text: &str, _complaints: &mut Vec<String>) -> Option<()> {
    Some(())
}

/// Any text that is not blank.
pub(super) fn text(text: &str, _complaints: &mut Vec<String>) -> Option<String> {
    (!text.trim().is_empty()).then(|| text.to_owned())
}

/// The path of a file; a relative one counts from the process's directory.
pub(super) fn file(text: &str, _complaints: &mut Vec<String>) -> Option<PathBuf> {
    let path = text.trim();
    (!path.is_empty()).then(|| PathBuf::from(path))
}

/// A number of things, none of them allowed.
pub(super) fn limit(text: &str, complaints: &mut Vec<String>) -> Option<usize> {
    whole(text, 0, complaints).and_then(|number| usize::try_from(number).ok())
}

/// A number of things, at least one.
pub(super) fn size(text: &str, complaints: &mut Vec<String>) -> Option<usize> {
    whole(text, 1, complaints).and_then(|number| usize::try_from(number).ok())
}

/// A port to listen at.
pub(super) fn port(text: &str, complaints: &mut Vec<String>) -> Option<u16> {
    let port = text.trim().parse().ok().filter(|port| *port > 0);
    if port.is_none() {
        complaints.push(format!("{} is not a port from 1 to 65535; ignored", quote(text)));
    }
    port
}

/// Milliseconds, at least one: zero would make a loop that never rests.
pub(super) fn interval(text: &str, complaints: &mut Vec<String>) -> Option<Duration> {
    whole(text, 1, complaints).map(Duration::from_millis)
}

/// Milliseconds; zero is no limit.
pub(super) fn timeout(text: &str, complaints: &mut Vec<String>) -> Option<Option<Duration>> {
    let number = whole(text, 0, complaints)?;
    Some((number > 0).then(|| Duration::from_millis(number)))
}

/// A number from 0 to 1.
pub(super) fn ratio(text: &str, complaints: &mut Vec<String>) -> Option<f64> {
    let number = text.trim().parse().ok().filter(|number| (0.0..=1.0).contains(number));
    if number.is_none() {
        complaints.push(format!("{} is not a number from 0 to 1; ignored", quote(text)));
    }
    number
}

/// The names of the samplers, for a remedy.
pub(super) fn sampler_names() -> String {
    names_of(&SAMPLERS)
}

/// A sampler by its name, any case; its ratio, if it takes one, is 1.
pub(super) fn sampler(text: &str, complaints: &mut Vec<String>) -> Option<SamplerPlan> {
    choice(text, &SAMPLERS, complaints)
}

/// Which compression is asked for.
pub(super) fn compression(text: &str, complaints: &mut Vec<String>) -> Option<Asked> {
    let names = [("gzip", Asked::Gzip), ("zstd", Asked::Zstd), ("none", Asked::None)];
    choice(text, &names, complaints)
}

/// Since when sums count.
pub(super) fn temporality(text: &str, complaints: &mut Vec<String>) -> Option<Temporality> {
    let names = [
        ("cumulative", Temporality::Cumulative),
        ("delta", Temporality::Delta),
        ("lowmemory", Temporality::LowMemory),
    ];
    choice(text, &names, complaints)
}

/// What is kept of a distribution.
pub(super) fn histograms(text: &str, complaints: &mut Vec<String>) -> Option<Histograms> {
    let names = [Histograms::Explicit, Histograms::Exponential];
    choice(text, &names.map(|histograms| (histograms.name(), histograms)), complaints)
}

/// Which measurements may be exemplars.
pub(super) fn exemplar_filter(text: &str, complaints: &mut Vec<String>) -> Option<Exemplars> {
    let names = [Exemplars::OfSpans, Exemplars::Always, Exemplars::Never];
    choice(text, &names.map(|exemplars| (exemplars.name(), exemplars)), complaints)
}

/// How OTLP is spoken. To fall back to another one would send what the endpoint cannot read.
pub(super) fn protocol(text: &str, _complaints: &mut Vec<String>) -> Option<Checked<Protocol>> {
    let known = [Protocol::HttpProtobuf, Protocol::Grpc, Protocol::HttpJson];
    let word = text.trim();
    let found = known.into_iter().find(|each| word.eq_ignore_ascii_case(&each.to_string()));
    let shown = quote(text);
    Some(match found {
        Some(Protocol::Grpc) if !HAS_GRPC => Err(format!(
            "{shown}: {NO_GRPC}; switch it on, or use http/protobuf or http/json, on port 4318"
        )),
        Some(protocol) => Ok(protocol),
        None => Err(format!("{shown} is not a protocol; use http/protobuf, grpc or http/json")),
    })
}

/// Down to which level, or none at all.
pub(super) fn log_level(text: &str, complaints: &mut Vec<String>) -> Option<Option<Level>> {
    let levels = [Level::Error, Level::Warn, Level::Info, Level::Debug];
    let mut names = vec![("none", None)];
    names.extend(levels.map(|level| (level.name(), Some(level))));
    choice(text, &names, complaints)
}

/// Exporters by name.
pub(super) fn exporters(text: &str, complaints: &mut Vec<String>) -> Option<Listed<Exporter>> {
    let names = [
        ("otlp", Exporter::Otlp),
        ("capnp", Exporter::Capnp),
        ("console", Exporter::Console),
        ("file", Exporter::File),
        // What the specification calls it in a file of configuration.
        ("otlp_file", Exporter::File),
        ("otlp/stdout", Exporter::Stdout),
        ("prometheus", Exporter::Prometheus),
    ];
    Some(list(text, &names, complaints))
}

/// Propagators by name, in the order given; where none is known, as good as unset.
pub(super) fn propagators(text: &str, complaints: &mut Vec<String>) -> Option<Propagators> {
    let names = Propagator::EVERY.map(|propagator| (propagator.name(), propagator));
    match list(text, &names, complaints) {
        Listed::Nothing => Some(Propagators::NONE),
        Listed::These(found) if found.is_empty() => None,
        Listed::These(found) => Some(found.into_iter().collect()),
    }
}

/// Resource attributes: any error discards the whole value.
pub(super) fn attributes(
    text: &str,
    complaints: &mut Vec<String>,
) -> Option<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    for member in members(text) {
        let decoded = member.split_once('=').and_then(|(key, value)| {
            let key = String::from_utf8(percent_decode(key.trim())?).ok()?;
            let value = String::from_utf8(percent_decode(value.trim())?).ok()?;
            (!key.is_empty()).then_some((key, value))
        });
        let Some((key, value)) = decoded else {
            complaints.push(format!(
                "{} is not a percent-encoded key=value; the whole list is ignored",
                quote(member)
            ));
            return None;
        };
        put(&mut pairs, key, value);
    }
    Some(pairs)
}

/// A list of headers; a bad one is left out, and no complaint shows a value.
pub(super) fn headers(text: &str, complaints: &mut Vec<String>) -> Option<Vec<Header>> {
    let mut found = Vec::new();
    for (index, member) in members(text).enumerate() {
        let place = index + 1;
        let Some((name, value)) = member.split_once('=') else {
            complaints.push(format!("entry {place} is not of the form name=value; left out"));
            continue;
        };
        let name = name.trim();
        let checked = percent_decode(value.trim())
            .ok_or("its value is not percent-encoded text")
            .and_then(|value| header(name, &value));
        match checked {
            Ok(header) => put(&mut found, header.0, header.1),
            Err(why) => {
                let shown = mask_header(name);
                complaints.push(format!("entry {place} ({shown}): {why}; left out"));
            }
        }
    }
    Some(found)
}

/// A header without its value. A name that is none may be a misplaced value.
pub(super) fn mask_header(name: &str) -> String {
    let named = HeaderName::from_bytes(name.as_bytes()).is_ok();
    format!("{}: ***", if named { name } else { "***" })
}

/// Checks one header.
pub(super) fn header(name: &str, value: &[u8]) -> Result<Header, &'static str> {
    let name = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| "a header's name is made of letters, digits and hyphens")?;
    let framing = [
        header::CONNECTION,
        header::CONTENT_ENCODING,
        header::CONTENT_LENGTH,
        header::CONTENT_TYPE,
        header::TRANSFER_ENCODING,
    ];
    if framing.contains(&name) {
        return Err("the exporter writes this header itself");
    }
    let mut value = HeaderValue::from_bytes(value)
        .map_err(|_| "its value holds a control character, such as a newline")?;
    value.set_sensitive(true);
    Ok((name, value))
}

/// Where to send; whether that suits is seen when it is known what is sent.
pub(super) fn endpoint(text: &str, complaints: &mut Vec<String>) -> Option<Endpoint> {
    Some(Endpoint::read(text, complaints))
}

/// A text as a diagnostic shows it: escaped, and not for ever.
pub(super) fn quote(text: &str) -> String {
    const MOST_SHOWN: usize = 80;
    match text.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// Sets a key's value; the last one wins.
pub(super) fn put<K: PartialEq, V>(pairs: &mut Vec<(K, V)>, key: K, value: V) {
    match pairs.iter_mut().find(|(known, _)| *known == key) {
        Some((_, old)) => *old = value,
        None => pairs.push((key, value)),
    }
}

fn whole(text: &str, least: u64, complaints: &mut Vec<String>) -> Option<u64> {
    let number = text.trim().parse().ok().filter(|number| (least..=MOST).contains(number));
    if number.is_none() {
        complaints
            .push(format!("{} is not a whole number from {least} to {MOST}; ignored", quote(text)));
    }
    number
}

fn choice<T: Copy>(text: &str, names: &[(&str, T)], complaints: &mut Vec<String>) -> Option<T> {
    let word = text.trim();
    let found = names.iter().find(|(name, _)| word.eq_ignore_ascii_case(name));
    if found.is_none() {
        let known = REFUSED.iter().find(|(name, _)| word.eq_ignore_ascii_case(name));
        complaints.push(match known {
            Some((_, why)) => format!("{} is not supported: {why}; ignored", quote(text)),
            None => format!("{} is not one of {}; ignored", quote(text), names_of(names)),
        });
    }
    found.map(|(_, value)| *value)
}

fn names_of<T>(names: &[(&str, T)]) -> String {
    names.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// The members of a comma list; empty ones do not count.
fn members(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|member| !member.is_empty())
}

fn list<T: Copy + PartialEq>(
    text: &str,
    names: &[(&str, T)],
    complaints: &mut Vec<String>,
) -> Listed<T> {
    if members(text).any(|member| member.eq_ignore_ascii_case("none")) {
        if members(text).any(|member| !member.eq_ignore_ascii_case("none")) {
            complaints.push(format!("{} names none beside others; none wins", quote(text)));
        }
        return Listed::Nothing;
    }
    let mut found = Vec::new();
    for value in members(text).filter_map(|member| choice(member, names, complaints)) {
        if !found.contains(&value) {
            found.push(value);
        }
    }
    Listed::These(found)
}

pub(super) fn percent_decode(text: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex_digit(bytes.next()?)? << 4 | hex_digit(bytes.next()?)?,
            other => other,
        });
    }
    Some(decoded)
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
