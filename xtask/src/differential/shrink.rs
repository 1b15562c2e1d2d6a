//! The smallest script that still shows a difference, as far as taking things away goes.

use super::script::{Phase, Script};

pub(super) fn shrink(mut script: Script, differs: impl Fn(&Script) -> bool) -> Script {
    loop {
        let Some(smaller) = smaller(&script).find(|candidate| differs(candidate)) else {
            return script;
        };
        script = smaller;
    }
}

/// The script without one phase, or without one packet; large pieces first.
fn smaller(script: &Script) -> impl Iterator<Item = Script> {
    let without_phase = (0..script.phases.len()).rev().map(|at| {
        let mut candidate = script.clone();
        candidate.phases.remove(at);
        candidate
    });
    let without_packet = script.phases.iter().enumerate().flat_map(|(at, phase)| {
        let count = match phase {
            Phase::Connect { .. } => 0,
            Phase::Send { packets, .. } => packets.len(),
        };
        (0..count).filter(move |_| count > 1).map(move |packet| (at, packet))
    });
    let without_packet = without_packet.filter_map(|(at, packet)| {
        let mut candidate = script.clone();
        let Some(Phase::Send { packets, .. }) = candidate.phases.get_mut(at) else { return None };
        packets.remove(packet);
        Some(candidate)
    });
    without_phase.chain(without_packet)
}
