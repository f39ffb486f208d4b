//! Text that knows how wide it is, coloured or not.

/// How a piece of text looks where colours are on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Style {
    Plain,
    Bold,
    Dim,
    Cyan,
    Red,
    Yellow,
}

/// A part of a line. Whoever pushes text has escaped it.
#[derive(Clone, Debug)]
pub(super) struct Text {
    color: bool,
    text: String,
    /// In characters, colours not counted.
    width: usize,
}

impl Text {
    pub(super) fn new(color: bool) -> Self {
        Self { color, text: String::new(), width: 0 }
    }

    pub(super) fn push(&mut self, style: Style, part: &str) {
        let code = match style {
            _ if !self.color || part.trim().is_empty() => None,
            Style::Plain => None,
            Style::Bold => Some("\u{1b}[1m"),
            Style::Dim => Some("\u{1b}[2m"),
            Style::Cyan => Some("\u{1b}[36m"),
            Style::Red => Some("\u{1b}[31m"),
            Style::Yellow => Some("\u{1b}[33m"),
        };
        self.text.push_str(code.unwrap_or_default());
        self.text.push_str(part);
        self.text.push_str(code.map_or("", |_| "\u{1b}[0m"));
        self.width += part.chars().count();
    }

    /// Spaces up to `width`.
    pub(super) fn pad(&mut self, width: usize) {
        self.push(Style::Plain, &" ".repeat(width.saturating_sub(self.width)));
    }

    pub(super) fn append(&mut self, other: &Self) {
        self.text.push_str(&other.text);
        self.width += other.width;
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }
}
