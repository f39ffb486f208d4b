//! `${VAR}`, `${env:VAR}`, `${VAR:-default}`, and `$$` for a dollar.

/// The text with its references resolved, in one pass: what a variable holds is not looked at again.
/// `Err` is a reference that is none.
pub(super) fn substitute(
    text: &str,
    environment: &mut dyn FnMut(&str) -> Option<String>,
) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    for (index, part) in text.split("$$").enumerate() {
        if index > 0 {
            out.push('$');
        }
        expand(part, environment, &mut out)?;
    }
    Ok(out)
}

fn expand(
    text: &str,
    environment: &mut dyn FnMut(&str) -> Option<String>,
    out: &mut String,
) -> Result<(), String> {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let Some((inside, after)) = after.split_once('}') else {
            out.push_str("${");
            rest = after;
            continue;
        };
        let (name, default) = reference(inside).ok_or_else(|| {
            format!(
                "`${{{}}}` is no reference to a variable; write it as ${{NAME}} or ${{NAME:-default}}, and a \
                 dollar as $$",
                inside.escape_debug()
            )
        })?;
        match environment(name).filter(|value| !value.is_empty()) {
            Some(value) => out.push_str(&value),
            None => out.push_str(default),
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(())
}

/// The name, and what stands in for it.
fn reference(inside: &str) -> Option<(&str, &str)> {
    let inside = inside.strip_prefix("env:").unwrap_or(inside);
    let is_part = |character: char| character == '_' || character.is_ascii_alphanumeric();
    let end = inside.find(|character| !is_part(character)).unwrap_or(inside.len());
    let (name, rest) = inside.split_at(end);
    let starts_well = name.starts_with(|first: char| !first.is_ascii_digit());
    let default = if rest.is_empty() { Some("") } else { rest.strip_prefix(":-") };
    default.filter(|_| starts_well).map(|default| (name, default))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn with(text: &str) -> Result<String, String> {
        let variables = [
            ("STRING_VALUE", "value"),
            ("FLOAT_VALUE", "1.1"),
            ("REPLACE_ME", "${DO_NOT_REPLACE_ME}"),
            ("DO_NOT_REPLACE_ME", "Never use this value"),
            ("VALUE_WITH_ESCAPE", "value$$"),
            ("EMPTY", ""),
        ];
        let found = |name: &str| variables.iter().find(|(known, _)| *known == name);
        substitute(text, &mut |name| found(name).map(|(_, value)| (*value).to_owned()))
    }

    /// The table of the specification.
    #[test]
    fn each_form_means_what_the_specification_says() {
        let table = [
            ("${STRING_VALUE}", "value"),
            ("${env:STRING_VALUE}", "value"),
            ("foo ${STRING_VALUE} ${FLOAT_VALUE}", "foo value 1.1"),
            ("${UNDEFINED_KEY}", ""),
            ("${UNDEFINED_KEY:-fallback}", "fallback"),
            ("${EMPTY:-fallback}", "fallback"),
            ("${STRING_VALUE:-fallback}", "value"),
            ("${REPLACE_ME}", "${DO_NOT_REPLACE_ME}"),
            ("${UNDEFINED_KEY:-${STRING_VALUE}}", "${STRING_VALUE}"),
            ("$${STRING_VALUE}", "${STRING_VALUE}"),
            ("$$${STRING_VALUE}", "$value"),
            ("$$$${STRING_VALUE}", "$${STRING_VALUE}"),
            ("$${STRING_VALUE:-fallback}", "${STRING_VALUE:-fallback}"),
            ("$${STRING_VALUE:-${STRING_VALUE}}", "${STRING_VALUE:-value}"),
            ("${UNDEFINED_KEY:-$${UNDEFINED_KEY}}", "${UNDEFINED_KEY:-${UNDEFINED_KEY}}"),
            ("${VALUE_WITH_ESCAPE}", "value$$"),
            ("a $$ b", "a $ b"),
            ("a $ b", "a $ b"),
            ("${STRING_VALUE", "${STRING_VALUE"),
            (
                "${UNDEFINED_KEY:-http://localhost:4318}/v1/traces",
                "http://localhost:4318/v1/traces",
            ),
        ];
        for (text, expected) in table {
            assert_eq!(with(text).as_deref(), Ok(expected), "{text}");
        }
        for text in ["${STRING_VALUE:?error}", "${1API_KEY}", "${API_$KEY}", "${}", "${file:x}"] {
            assert!(with(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_has_no_dollar_stays(text in "[^$]*") {
            prop_assert_eq!(with(&text), Ok(text.clone()));
        }

        #[test]
        fn no_text_panics(text in "[$:{}a-z-]*") {
            let _ = with(&text);
        }
    }
}
