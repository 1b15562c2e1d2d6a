//! File descriptors: every connection is one, and a process may have only so many.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// For everything that is no connection: files of journal and history, pages, bridges.
const OTHERS: u64 = 1_024;

/// Raises the number of descriptors as far as the system lets this process, and says how many MQTT
/// connections that is good for.
pub(crate) fn connections_max() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(fault) => {
            tracing::warn!(%fault, "the number of open files could not be raised");
            limit.current
        }
    };
    current.map_or(usize::MAX, connections_of)
}

/// Where there are few, half of them.
fn connections_of(descriptors: u64) -> usize {
    let connections = descriptors.saturating_sub(OTHERS).max(descriptors / 2);
    usize::try_from(connections).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_descriptors_are_left_for_the_rest_of_the_site() {
        for (descriptors, connections) in [(20_000, 18_976), (1_024, 512), (0, 0)] {
            assert_eq!(connections_of(descriptors), connections);
        }
    }
}
