use super::{Phase, Phases};

#[test]
fn medians_of_both_kinds_of_phases_are_compared() {
    let phases = |figures: [f64; 3]| {
        figures.map(|us| Phase { acknowledge_us: us, deliver_us: us * 2.0 }).to_vec()
    };
    let phases = Phases { before: phases([1.0, 10.0, 90.0]), during: phases([15.0, 900.0, 1.0]) };
    assert_eq!(
        phases.describe(true),
        "arrival p99 20 -> 30 us (1.50 times), PUBACK p99 10 -> 15 us (1.50 times)"
    );
}
