//! The processor's time-stamp counter: ten nanoseconds to read, where `Instant` takes twenty-five.

/// Whether the counter counts at one pace on all processors. Linux keeps a watch on that, and names
/// another clock source where it does not; elsewhere nobody says so.
pub(super) fn is_steady() -> bool {
    const SOURCE: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    let named = || std::fs::read_to_string(SOURCE).is_ok_and(|name| name.trim() == "tsc");
    cfg!(all(target_arch = "x86_64", target_os = "linux", not(miri))) && named()
}

/// The counter, now; 0 where there is none.
#[inline]
pub(super) fn read() -> u64 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: it reads a register that every x86-64 processor has, and nothing else.
    let count = unsafe { std::arch::x86_64::_rdtsc() };
    #[cfg(not(target_arch = "x86_64"))]
    let count = 0;
    count
}
