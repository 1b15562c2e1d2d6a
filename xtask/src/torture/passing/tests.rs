use super::*;

fn device(kind: Kind) -> Device {
    let name = kind.word().to_owned();
    Device { name, kind, state: State::There, written: 1, asked: 5, erased: 7 }
}

/// The state afterwards, and what was found.
fn judged(kind: Kind, state: State, rows: u64) -> (State, [u64; 3]) {
    let mut verdict = Verdict::default();
    let after = judge_one(&device(kind), state, rows, &mut verdict);
    (after, [verdict.lost, verdict.wrong, verdict.doubled])
}

#[test]
fn what_was_erased_stays_away_and_what_was_not_stays_whole() {
    const FINE: [u64; 3] = [0; 3];
    let check = |kind, state, rows, wanted: (State, [u64; 3])| {
        assert_eq!(judged(kind, state, rows), wanted, "{kind:?} {state:?} {rows}");
    };
    for kind in [Kind::Erased, Kind::Lasting] {
        check(kind, State::There, ROWS, (State::There, FINE));
        check(kind, State::There, ROWS - 1, (State::There, [1, 0, 0]));
        check(kind, State::There, 0, (State::There, [1, 0, 0]));
        check(kind, State::There, ROWS + 1, (State::There, [0, 0, 1]));
    }
    check(Kind::Erased, State::Either, ROWS, (State::There, FINE));
    check(Kind::Erased, State::Either, 0, (State::Gone, FINE));
    check(Kind::Erased, State::Either, 1, (State::Either, [1, 0, 0]));
    check(Kind::Erased, State::Gone, 0, (State::Gone, FINE));
    check(Kind::Erased, State::Gone, ROWS, (State::Gone, [0, 1, 0]));
    check(Kind::Fleeting, State::Either, ROWS, (State::Either, FINE));
    check(Kind::Fleeting, State::Either, 0, (State::Gone, FINE));
    check(Kind::Fleeting, State::Gone, 1, (State::Gone, [0, 1, 0]));
}
