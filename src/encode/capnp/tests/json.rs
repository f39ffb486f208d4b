//! As much of JSON as the `capnp` tool writes.

use std::iter::Peekable;
use std::str::Chars;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    /// `null`, `true` and numbers as they stand there.
    Word(String),
    Text(String),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

impl Json {
    pub(super) fn parse(text: &str) -> Self {
        let mut rest = text.chars().peekable();
        let value = parse(&mut rest);
        space(&mut rest);
        assert_eq!(rest.next(), None, "nothing behind it");
        value
    }

    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        let Self::Map(entries) = self else { panic!("{name} of what is no object: {self:?}") };
        entries.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// An object; one that is not there is the default.
    pub(super) fn group(&self, name: &str) -> Self {
        self.get(name).cloned().unwrap_or(Self::Map(Vec::new()))
    }

    /// The elements of a list; one that is not there has none.
    pub(super) fn list<T>(&self, name: &str, of: impl FnMut(&Self) -> T) -> Vec<T> {
        match self.get(name) {
            None => Vec::new(),
            Some(Self::List(items)) => items.iter().map(of).collect(),
            Some(other) => panic!("{name} is no list: {other:?}"),
        }
    }

    /// A number; one that is not there is the default.
    pub(super) fn number<T: std::str::FromStr + Default>(&self, name: &str) -> T {
        self.get(name).map_or_else(T::default, Self::as_number)
    }

    pub(super) fn as_number<T: std::str::FromStr>(&self) -> T {
        // Numbers of 64 bits are texts, and so are those that JSON does not have.
        let (Self::Word(word) | Self::Text(word)) = self else { panic!("no number: {self:?}") };
        word.parse().unwrap_or_else(|_| panic!("no number: {word}"))
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        self.get(name) == Some(&Self::Word("true".into()))
    }
}

fn space(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|c| c.is_whitespace()).is_some() {}
}

fn parse(rest: &mut Peekable<Chars<'_>>) -> Json {
    space(rest);
    match rest.peek() {
        Some('{') => {
            let mut entries = Vec::new();
            each(rest, '}', |rest| {
                let key = text(rest);
                space(rest);
                assert_eq!(rest.next(), Some(':'));
                entries.push((key, parse(rest)));
            });
            Json::Map(entries)
        }
        Some('[') => {
            let mut items = Vec::new();
            each(rest, ']', |rest| items.push(parse(rest)));
            Json::List(items)
        }
        Some('"') => Json::Text(text(rest)),
        _ => {
            let mut word = String::new();
            while let Some(c) = rest.next_if(|c| !",]} \n".contains(*c)) {
                word.push(c);
            }
            Json::Word(word)
        }
    }
}

/// What stands between an opening bracket, commas, and a closing one.
fn each(rest: &mut Peekable<Chars<'_>>, end: char, mut one: impl FnMut(&mut Peekable<Chars<'_>>)) {
    rest.next();
    space(rest);
    if rest.next_if_eq(&end).is_some() {
        return;
    }
    loop {
        space(rest);
        one(rest);
        space(rest);
        match rest.next() {
            Some(',') => {}
            Some(c) if c == end => return,
            other => panic!("neither a comma nor {end}: {other:?}"),
        }
    }
}

/// Names and numbers: the texts of a batch are bytes, which the tool writes as a list.
fn text(rest: &mut Peekable<Chars<'_>>) -> String {
    assert_eq!(rest.next(), Some('"'));
    let mut text = String::new();
    loop {
        match rest.next() {
            Some('"') => return text,
            Some('\\') | None => panic!("no such text is expected"),
            Some(c) => text.push(c),
        }
    }
}
