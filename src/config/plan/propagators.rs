//! Which headers are written and read, and in which order.

use std::fmt;

/// One kind of header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Propagator {
    TraceContext,
    Baggage,
    /// Written as one header; read as one or as several.
    B3,
    /// Written as several headers; read as one or as several.
    B3Multi,
    Jaeger,
}

impl Propagator {
    pub(crate) const EVERY: [Self; 5] =
        [Self::TraceContext, Self::Baggage, Self::B3, Self::B3Multi, Self::Jaeger];

    /// As `OTEL_PROPAGATORS` calls it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::TraceContext => "tracecontext",
            Self::Baggage => "baggage",
            Self::B3 => "b3",
            Self::B3Multi => "b3multi",
            Self::Jaeger => "jaeger",
        }
    }

    /// From 1 on, in four bits.
    const fn number(self) -> u32 {
        self as u32 + 1
    }
}

/// Some of them in order, each at most once; small enough for one word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Propagators(u32);

impl Propagators {
    pub(crate) const NONE: Self = Self(0);
    /// The specification's default.
    pub(crate) const STANDARD: Self =
        Self(Propagator::TraceContext.number() | Propagator::Baggage.number() << 4);

    pub(crate) const fn bits(self) -> u32 {
        self.0
    }

    /// What `bits` gave.
    pub(crate) const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Propagator> {
        let digits = (0..8).map(move |place| self.0 >> (4 * place) & 15);
        digits.filter_map(|digit| Propagator::EVERY.get((digit as usize).checked_sub(1)?).copied())
    }
}

impl FromIterator<Propagator> for Propagators {
    /// The first of several counts.
    fn from_iter<I: IntoIterator<Item = Propagator>>(from: I) -> Self {
        let mut all = Self::NONE;
        let mut place = 0;
        for propagator in from {
            if !all.iter().any(|known| known == propagator) {
                all.0 |= propagator.number() << (4 * place);
                place += 1;
            }
        }
        all
    }
}

/// As `OTEL_PROPAGATORS` says it.
impl fmt::Display for Propagators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.iter().map(Propagator::name).collect();
        f.write_str(if names.is_empty() { "none" } else { "" })?;
        f.write_str(&names.join(","))
    }
}

impl fmt::Debug for Propagators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::{Propagator, Propagators};

    #[test]
    fn order_is_kept_and_each_counts_once() {
        use Propagator::{B3, Baggage, Jaeger, TraceContext};
        let all: Propagators = [Jaeger, Baggage, Jaeger, B3, Baggage].into_iter().collect();
        assert_eq!(all.iter().collect::<Vec<_>>(), [Jaeger, Baggage, B3]);
        assert_eq!(all.to_string(), "jaeger,baggage,b3");
        assert_eq!(Propagators::from_bits(all.bits()), all);
        assert_eq!(Propagators::NONE.to_string(), "none");
        let standard: Propagators = [TraceContext, Baggage].into_iter().collect();
        assert_eq!(standard, Propagators::STANDARD);
        let every: Propagators = Propagator::EVERY.into_iter().collect();
        assert_eq!(every.iter().collect::<Vec<_>>(), Propagator::EVERY);
    }
}
