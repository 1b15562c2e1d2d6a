//! The live feed: the readings of the last while, in the order of the journal, so that a page which
//! was cut off gets exactly what it missed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use history::SeriesId;
use model::{Committed, Position, Timestamp, Value};

/// 131,072 points of 56 bytes are 7 MB: two minutes of a site with a thousand readings a second.
const POINTS_MAX: usize = 131_072;

/// One reading as it entered history.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    pub position: Position,
    pub series: SeriesId,
    pub time: Timestamp,
    pub value: PointValue,
}

#[derive(Clone, Debug, PartialEq)]
pub enum PointValue {
    Number(f64),
    Boolean(bool),
    Text(Arc<str>),
}

impl From<Value<'_>> for PointValue {
    fn from(value: Value<'_>) -> Self {
        match value {
            Value::Number(number) => Self::Number(number),
            Value::Boolean(truth) => Self::Boolean(truth),
            Value::Text(text) => Self::Text(Arc::from(text)),
        }
    }
}

/// What happened after a position.
#[derive(Clone, Debug, PartialEq)]
pub enum Since {
    /// All committed points after the position, oldest first.
    Points(Vec<Point>),
    /// The feed no longer reaches back that far: read history instead.
    TooOld,
}

#[derive(Debug, Default)]
pub struct Feed {
    ring: Mutex<Ring>,
}

#[derive(Debug, Default)]
struct Ring {
    points: VecDeque<Point>,
    /// All points after this position are in the ring, as far as they were appended.
    complete_after: Position,
}

impl Feed {
    /// A feed that knows nothing from before `position`.
    #[must_use]
    pub fn starting_after(position: Position) -> Self {
        let ring = Ring { points: VecDeque::new(), complete_after: position };
        Self { ring: Mutex::new(ring) }
    }

    /// Takes the points of one batch, before they are committed, and empties `points`.
    pub(crate) fn append(&self, points: &mut Vec<Point>) {
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.points.extend(points.drain(..));
        let excess = ring.points.len().saturating_sub(POINTS_MAX);
        let forgotten = ring.points.drain(..excess).next_back().map(|point| point.position);
        ring.complete_after = ring.complete_after.max(forgotten.unwrap_or_default());
    }

    /// How far back it reaches: all points after this position are in it.
    #[must_use]
    pub fn reaches(&self) -> Position {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner).complete_after
    }

    /// All points after `after` that are committed, of those series for which `wanted` holds.
    pub fn since(
        &self,
        after: Position,
        committed: Committed,
        mut wanted: impl FnMut(SeriesId) -> bool,
    ) -> Since {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        if after < ring.complete_after {
            return Since::TooOld;
        }
        let from = ring.points.partition_point(|point| point.position <= after);
        let to = ring.points.partition_point(|point| point.position <= committed.position());
        let points = ring.points.range(from..to.max(from));
        Since::Points(points.filter(|point| wanted(point.series)).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use model::Horizon;

    use super::*;

    fn point(position: u64) -> Point {
        Point {
            position: Position::new(position),
            series: SeriesId::new(u32::try_from(position % 2).unwrap()),
            time: Timestamp::from_millis(1),
            value: PointValue::Number(1.0),
        }
    }

    fn committed(position: u64) -> Committed {
        Horizon::new(Position::new(position), &[], Box::new(|_| {})).0.committed()
    }

    fn positions(since: &Since) -> Vec<u64> {
        match since {
            Since::Points(points) => points.iter().map(|point| point.position.get()).collect(),
            Since::TooOld => panic!("too old"),
        }
    }

    #[test]
    fn exactly_the_committed_points_after_a_position_come() {
        let feed = Feed::starting_after(Position::new(10));
        feed.append(&mut (11..=20).map(point).collect());
        let all = |_series| true;
        assert_eq!(positions(&feed.since(Position::new(12), committed(15), all)), [13, 14, 15]);
        assert_eq!(positions(&feed.since(Position::new(15), committed(15), all)), [0_u64; 0]);
        let odd = |series: SeriesId| series.get() == 1;
        assert_eq!(positions(&feed.since(Position::new(16), committed(20), odd)), [17, 19]);
    }

    #[test]
    fn a_page_that_was_away_too_long_is_told_so() {
        let feed = Feed::starting_after(Position::new(10));
        assert_eq!(feed.since(Position::new(9), committed(10), |_| true), Since::TooOld);
        let many = POINTS_MAX as u64 + 5;
        feed.append(&mut (11..11 + many).map(point).collect());
        assert_eq!(feed.since(Position::new(14), committed(100), |_| true), Since::TooOld);
        assert_eq!(positions(&feed.since(Position::new(15), committed(17), |_| true)), [16, 17]);
    }
}
