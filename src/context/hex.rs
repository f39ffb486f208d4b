//! Numbers in hex digits, in either case.

/// As many digits as said.
pub(super) fn exact(digits: &str, count: usize) -> Option<u128> {
    if digits.len() == count { up_to(digits, count) } else { None }
}

/// From one digit to as many as said, at most 32: leading zeros may have been left out.
pub(super) fn up_to(digits: &str, most: usize) -> Option<u128> {
    // The sign, which Rust would take, is none.
    let is_number =
        (1..=most).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_number.then(|| u128::from_str_radix(digits, 16).ok())?
}
