//! Which log records are taken: by the logger's name and by severity.

use super::parse::quote;

/// Levels by name, and OTLP's number of the least severity that passes.
const LEVELS: [(&str, u8); 7] = [
    ("off", NOTHING),
    ("fatal", 21),
    ("error", 17),
    ("warn", 13),
    ("info", 9),
    ("debug", 5),
    ("trace", 0),
];

/// More than any severity.
const NOTHING: u8 = u8::MAX;

/// One level for all loggers, and others for some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogFilter {
    all: u8,
    /// The longer name first: it is the more exact one.
    some: Vec<(String, u8)>,
    shown: String,
}

impl LogFilter {
    /// `info`, or `info,shop.orders=debug,hyper=off`; where no level stands alone, it is `info`. `Err` is a remedy.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str = "write it as info,logger=debug";
        let (mut all, mut some) = (None, Vec::new());
        for member in text.split(',').map(str::trim) {
            let (name, word) = match member.split_once('=') {
                Some((name, word)) => (Some(name.trim()), word.trim()),
                None => (None, member),
            };
            let level = LEVELS.iter().find(|(level, _)| level.eq_ignore_ascii_case(word));
            let Some((_, level)) = level else {
                let levels = LEVELS.map(|(level, _)| level).join(", ");
                return Err(format!("{} is not one of {levels}; {FORM}", quote(word)));
            };
            match name {
                None if all.is_some() => {
                    return Err(format!("two levels stand alone; {FORM}"));
                }
                None => all = Some(*level),
                Some("") => return Err(format!("the logger's name is missing; {FORM}")),
                Some(name) => super::parse::put(&mut some, name.to_owned(), *level),
            }
        }
        some.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        Ok(Self { all: all.unwrap_or(9), some, shown: text.trim().to_owned() })
    }

    /// As it was given.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// Whether a record of this logger passes. What has no severity passes unless all is off.
    pub(crate) fn admits(&self, logger: &str, severity: u8) -> bool {
        let own = self.some.iter().find(|(name, _)| is_below(logger, name));
        let least = own.map_or(self.all, |(_, least)| *least);
        least != NOTHING && (severity == 0 || severity >= least)
    }
}

/// Whether the name is the logger's own, or that of one above it: `shop` of `shop.orders` and `shop::orders`.
fn is_below(logger: &str, name: &str) -> bool {
    let rest = logger.strip_prefix(name);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.starts_with("::"))
}

#[cfg(test)]
mod tests {
    use super::LogFilter;

    #[test]
    fn the_longest_name_decides() {
        let filter = LogFilter::parse("warn, shop=Debug ,shop.orders=off,hyper=error").unwrap();
        for (logger, severity, passes) in [
            ("other", 13, true),
            ("other", 9, false),
            ("", 13, true),
            ("shop", 5, true),
            ("shop", 1, false),
            ("shop.cart", 5, true),
            ("shop::cart", 5, true),
            ("shopping", 5, false),
            ("shop.orders", 21, false),
            ("shop.orders.late", 21, false),
            ("shop.orders", 0, false),
            ("shop.ordersx", 5, true),
            ("hyper", 17, true),
            ("hyper", 13, false),
            ("hyper", 0, true),
        ] {
            assert_eq!(filter.admits(logger, severity), passes, "{logger} {severity}");
        }
        let some = LogFilter::parse("shop=trace").unwrap();
        assert!(some.admits("shop", 1) && some.admits("other", 9) && !some.admits("other", 5));
    }

    #[test]
    fn what_is_no_filter_says_what_one_is() {
        for (text, expected) in [
            ("", "\"\" is not one of off, fatal, error, warn, info, debug, trace"),
            ("loud", "\"loud\" is not one of"),
            ("info,", "\"\" is not one of"),
            ("shop=", "\"\" is not one of"),
            ("=info", "the logger's name is missing"),
            ("info,debug", "two levels stand alone"),
        ] {
            let error = LogFilter::parse(text).unwrap_err();
            assert!(error.contains(expected) && error.contains("info,logger=debug"), "{error}");
        }
    }
}
