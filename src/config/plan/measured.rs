//! What is kept of what is measured.

/// Which measurements may be exemplars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exemplars {
    Never,
    /// Those of sampled spans.
    OfSpans,
    /// All; those of sampled spans before others.
    Always,
}

impl Exemplars {
    /// As the variable calls it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Never => "always_off",
            Self::OfSpans => "trace_based",
            Self::Always => "always_on",
        }
    }
}

/// What is kept of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Histograms {
    /// Counts between the instrument's own boundaries.
    Explicit,
    /// Counts between powers of a base that suits what was measured, 160 at most.
    Exponential,
}

impl Histograms {
    /// As the variable calls it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Explicit => "explicit_bucket_histogram",
            Self::Exponential => "base2_exponential_bucket_histogram",
        }
    }
}
