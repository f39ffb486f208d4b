//! Records for the models: each one's bytes say which it is.

/// The bytes of record `number`; another number or another length gives other bytes.
#[must_use]
pub fn record(number: u64, length: usize) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ length as u64;
    if cfg!(miri) {
        // It takes long for each byte that is reckoned, and none for one that is copied.
        let mut bytes = state.to_ne_bytes().repeat(length.div_ceil(8));
        bytes.truncate(length);
        return bytes;
    }
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    (0..length).map(next).collect()
}

/// A length for record `number`: mostly short, seldom far beyond `inline`.
#[must_use]
pub fn length(number: u64, inline: usize) -> usize {
    let mixed = (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize;
    match mixed % 64 {
        0 => inline + mixed / 64 % (4 * inline),
        1..8 => mixed / 64 % (inline + 1),
        _ => mixed / 64 % (inline / 4),
    }
}
