//! What the figures were measured on, and the CPU time that processes used.

use std::collections::BTreeSet;

use e2e::Failure;

/// One line about the machine.
pub(crate) fn line() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let model = std::fs::read_to_string("/proc/cpuinfo")
        .unwrap_or_default()
        .lines()
        .find_map(|line| {
            line.strip_prefix("model name")
                .and_then(|rest| rest.split(": ").nth(1))
                .map(str::to_owned)
        })
        .unwrap_or_default();
    format!(
        "{cores} cores ({model}), all processes and the load on the same machine, loopback, fsync on in both stores."
    )
}

/// Memory of processes and their living descendants that have a name, in MiB: the proportional set size, so that shared pages
/// count once.
///
/// # Errors
/// If `/proc` cannot be read.
pub(crate) fn memory_mib(roots: &[u32], name: &str) -> Result<f64, Failure> {
    let mut kib = 0_u64;
    for pid in descendants(roots)? {
        let read = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
        if read("comm").trim() != name {
            continue;
        }
        let rollup = read("smaps_rollup");
        let pss = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
        let words = pss.unwrap_or_default().split_whitespace().next();
        kib += words.and_then(|number| number.parse::<u64>().ok()).unwrap_or(0);
    }
    Ok(f64::from(u32::try_from(kib).unwrap_or(u32::MAX)) / 1024.0)
}

/// Processes and what they started, directly or not.
fn descendants(roots: &[u32]) -> Result<BTreeSet<u32>, Failure> {
    let mut wanted: BTreeSet<u32> = roots.iter().copied().collect();
    let mut pids: Vec<u32> = std::fs::read_dir("/proc")
        .map_err(|error| Failure::of("/proc", error))?
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    pids.sort_unstable();
    for pid in pids {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let parent = stat
            .rsplit_once(')')
            .and_then(|(_, fields)| fields.split_whitespace().nth(1)?.parse().ok());
        if parent.is_some_and(|parent: u32| wanted.contains(&parent)) {
            wanted.insert(pid);
        }
    }
    Ok(wanted)
}

/// Seconds of CPU (user and system) that a process and its living descendants used so far.
///
/// # Errors
/// If the process is gone.
pub(crate) fn cpu_seconds(pid: u32) -> Result<f64, Failure> {
    let mut wanted = BTreeSet::from([pid]);
    let mut ticks = 0u64;
    let mut found = false;
    let mut pids: Vec<u32> = std::fs::read_dir("/proc")
        .map_err(|error| Failure::of("/proc", error))?
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    pids.sort_unstable();
    for each in pids {
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{each}/stat")) else {
            continue;
        };
        // The name stands in parentheses and may hold anything; fields are counted behind it.
        let Some((_, fields)) = stat.rsplit_once(')') else {
            continue;
        };
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let number = |index: usize| {
            fields
                .get(index)
                .and_then(|field| field.parse::<u64>().ok())
                .unwrap_or(0)
        };
        let parent = u32::try_from(number(1)).unwrap_or(0);
        if each == pid || wanted.contains(&parent) {
            wanted.insert(each);
            found |= each == pid;
            ticks += number(11) + number(12);
        }
    }
    if !found {
        return Err(Failure(format!("process {pid} is gone")));
    }
    // USER_HZ is 100 on every Linux that has /proc.
    Ok(f64::from(u32::try_from(ticks).unwrap_or(u32::MAX)) / 100.0)
}
