//! How much a page draws, and how coarse.

use jiff::tz::TimeZone;
use model::Timestamp;

use crate::explore::{Bucket, Draw, Line};
use crate::pages::explore::plan::{LINES_MAX, POINTS_MAX, Plan};
use crate::pages::explore::state::{Asked, Compare, DRAWS};
use crate::show;

const HOUR: u64 = 3_600;

fn lines(signals: usize, devices: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    for signal in 0..signals {
        for device in 0..devices {
            lines.push(Line {
                device: format!("d{device}"),
                signal: format!("s{signal}"),
                unit: None,
                last: Timestamp::EPOCH,
            });
        }
    }
    lines
}

fn plan(asked: &Asked, lines: Vec<Line>, hours: u64) -> Plan {
    let zone = TimeZone::get("Asia/Kolkata").unwrap();
    let to = Timestamp::from_millis(1_795_338_644_000);
    let from = to.saturating_sub(std::time::Duration::from_secs(hours * HOUR));
    Plan::new(asked, lines, (from, to), &zone).unwrap()
}

/// Values that the answer may hold.
fn values(plan: &Plan) -> u64 {
    let Bucket::Seconds { step, .. } = plan.question.bucket else { return 0 };
    let of_bucket = match plan.question.draw {
        Draw::Line => 4,
        Draw::Band => 3,
        Draw::Raw | Draw::Mean | Draw::Lowest | Draw::Highest | Draw::Sum | Draw::Last => 1,
    };
    let lines = plan.lines.len() as u64 * if plan.question.earlier.is_some() { 2 } else { 1 };
    plan.question.to.since(plan.question.from).as_secs() / step * of_bucket * lines
}

#[test]
fn however_much_is_compared_a_page_holds_it() {
    for draw in DRAWS.into_iter().filter(|draw| *draw != Draw::Raw) {
        for (signals, devices) in [(1, 1), (1, 6), (2, 6), (4, 3)] {
            for hours in [1, 12, 24 * 7, 24 * 30, 24 * 365, 24 * 3_650] {
                for compare in [Compare::Nothing, Compare::Week] {
                    let asked = Asked { draw, compare, ..Asked::default() };
                    let plan = plan(&asked, lines(signals, devices), hours);
                    let values = values(&plan);
                    // One bucket more, where the first one begins before the span.
                    assert!(values <= POINTS_MAX * 11 / 10, "{draw:?} {hours} h: {values}");
                }
            }
        }
    }
}

#[test]
fn whole_signals_are_left_out_where_lines_are_too_many() {
    let plan = plan(&Asked::default(), lines(4, 5), 12);
    assert_eq!(plan.lines.len(), 10);
    assert!(plan.lines.len() <= LINES_MAX);
    assert_eq!(plan.dropped, ["s2", "s3"]);
    assert_eq!(plan.question.signals, ["s0", "s1"]);
}

#[test]
fn a_bucket_is_as_it_was_asked_for_while_it_can_be() {
    let asked = Asked { draw: Draw::Mean, every: Some(900), ..Asked::default() };
    let fine = plan(&asked, lines(1, 1), 24);
    assert!(matches!(fine.question.bucket, Bucket::Seconds { step: 900, .. }));
    assert_eq!(fine.coarser, None);
    let coarse = plan(&asked, lines(1, 1), 24 * 30);
    assert_eq!(coarse.coarser, Some((900, 10_800)));
}

#[test]
fn buckets_begin_on_the_clock_of_the_site() {
    let zone = TimeZone::get("Asia/Kolkata").unwrap();
    let start = |every: u64, hours: u64| {
        let asked = Asked { draw: Draw::Sum, every: Some(every), ..Asked::default() };
        show::field(plan(&asked, lines(1, 1), hours).question.from, &zone)
    };
    // Twelve hours before 14:40 on a Sunday.
    assert_eq!(start(6 * HOUR, 12), "2026-11-22T00:00");
    assert_eq!(start(900, 12), "2026-11-22T02:30");
    assert_eq!(start(24 * HOUR, 60), "2026-11-20T00:00");
    assert_eq!(start(24 * 7 * HOUR, 60), "2026-11-16T00:00");
}

#[test]
fn nothing_to_draw_is_no_question() {
    let now = Timestamp::from_millis(1_795_338_644_000);
    assert!(Plan::new(&Asked::default(), Vec::new(), (now, now), &TimeZone::UTC).is_none());
}
