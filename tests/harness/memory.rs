//! What the system says about the memory of a process.

/// Resident memory of a process, in KiB.
///
/// # Panics
///
/// When there is no such process.
#[must_use]
pub fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("the process lives");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line about memory");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
