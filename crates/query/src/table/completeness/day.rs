//! What one day of one signal looks like: how much came, and in which rhythm.

use model::Quality;

pub(super) const DAY_MS: i64 = 86_400_000;

/// So few gaps between readings tell no rhythm of a day, nor of several days together.
const GAPS_OF_DAY_MIN: usize = 12;
const GAPS_OF_DAYS_MIN: usize = 6;

/// A gap is one interval when it lies between these parts of the usual gap. A lost reading doubles
/// a gap, which is beyond.
const BAND: (f64, f64) = (0.6, 1.6);

/// So many of all gaps have to be one interval. With more than half of the readings lost at random it
/// is less; of readings at random times it is a quarter, and of a few of them sometimes a half.
const SHARE_OF_DAY_MIN: f64 = 0.5;
const SHARE_OF_DAYS_MIN: f64 = 0.75;

/// So much of the time has to be in such gaps: of a signal that comes in bursts nearly none is.
const TIME_SHARE_MIN: f64 = 0.05;

/// A longer wait than this many intervals has lost a reading.
const WAIT_MAX: f64 = 1.5;

/// What arrived long after its time.
const LATE: Quality = Quality::BACKFILL;

/// What a clock or a device itself says against a reading.
const SUSPECT: [Quality; 5] =
    [Quality::BAD, Quality::STALE, Quality::CLOCK_UNSURE, Quality::CLOCK_BAD, Quality::FUTURE];

/// In which rhythm a signal reported.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Rhythm {
    /// So many milliseconds apart.
    Regular(f64),
    /// By exception: when something happens.
    Irregular,
    /// Too few readings to say; when they were, in milliseconds of the day.
    Few(Box<[u32]>),
}

/// One day of one signal that reported.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Day {
    pub(super) received: u32,
    pub(super) late: u32,
    pub(super) suspect: u32,
    /// In milliseconds of the day.
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) rhythm: Rhythm,
}

/// The readings of one day of one signal while they are read, in any order.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// In milliseconds of the day.
    pub(super) times: Vec<u32>,
    late: u32,
    suspect: u32,
}

impl Gathered {
    pub(super) fn add(&mut self, time: u32, quality: Quality) {
        self.times.push(time);
        self.late += u32::from(quality.holds(LATE));
        self.suspect += u32::from(SUSPECT.iter().any(|bit| quality.holds(*bit)));
    }

    /// `None` without readings.
    pub(super) fn day(mut self) -> Option<Day> {
        self.times.sort_unstable();
        let (first, last) = (*self.times.first()?, *self.times.last()?);
        let received = u32::try_from(self.times.len()).unwrap_or(u32::MAX);
        let mut gaps = gaps(&self.times);
        let rhythm = if gaps.len() < GAPS_OF_DAY_MIN {
            Rhythm::Few(self.times.into())
        } else {
            let interval = interval(&mut gaps, SHARE_OF_DAY_MIN);
            interval.map_or(Rhythm::Irregular, Rhythm::Regular)
        };
        Some(Day { received, late: self.late, suspect: self.suspect, first, last, rhythm })
    }
}

fn gaps<T: Copy + Into<i64>>(times: &[T]) -> Vec<i64> {
    let gap = |pair: &[T]| match pair {
        [before, after] => (*after).into() - (*before).into(),
        _ => 0,
    };
    times.windows(2).map(gap).collect()
}

/// The interval of these gaps; `None` when they have none. Where readings are lost the longer gaps
/// are several intervals, so the lower quartile is taken for the usual gap, and the mean of those
/// like it for the interval: of gaps that differ a little a median would be off by some readings a
/// day.
fn interval(gaps: &mut [i64], share_min: f64) -> Option<f64> {
    let place = gaps.len() / 4;
    let all: i64 = gaps.iter().sum();
    let (_, usual, _) = gaps.select_nth_unstable(place);
    let usual = number(*usual);
    let is_one = |gap: &&i64| (usual * BAND.0..=usual * BAND.1).contains(&number(**gap));
    let count = gaps.iter().filter(is_one).count();
    let time: i64 = gaps.iter().filter(is_one).sum();
    let is_often = number_of(count) >= share_min * number_of(gaps.len());
    let is_long = number(time) >= TIME_SHARE_MIN * number(all);
    let interval = number(time) / number_of(count);
    (is_often && is_long && interval >= 1.0).then_some(interval)
}

/// One day of a signal as the table shows it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Assessed {
    pub(super) expected: Option<u64>,
    pub(super) received: u64,
    pub(super) missing: Option<u64>,
    pub(super) late: u64,
    pub(super) suspect: u64,
    /// In milliseconds since 1970.
    pub(super) first: Option<i64>,
    pub(super) last: Option<i64>,
    pub(super) interval_ms: Option<f64>,
}

/// The day that began at `start`, by what it and those before it were; the last of `days` is the
/// day itself, and it is over at `end` or not yet. `None` when the signal was silent in all of them.
pub(super) fn assess(days: &[Option<&Day>], start: i64, end: i64) -> Option<Assessed> {
    let (today, before) = days.split_last()?;
    let was_heard = before.iter().any(Option::is_some);
    if today.is_none() && !was_heard {
        return None;
    }
    let interval_ms = interval_of(days);
    let span = number((end - start).clamp(0, DAY_MS));
    let expected = interval_ms.map(|interval| match today {
        Some(day) => expected(day, (was_heard, span), interval),
        None => due(end - start >= DAY_MS, span / interval),
    });
    let day = *today;
    let received = day.map_or(0, |day| u64::from(day.received));
    let at = |time: u32| start + i64::from(time);
    Some(Assessed {
        expected,
        received,
        missing: expected.map(|expected| expected.saturating_sub(received)),
        late: day.map_or(0, |day| u64::from(day.late)),
        suspect: day.map_or(0, |day| u64::from(day.suspect)),
        first: day.map(|day| at(day.first)),
        last: day.map(|day| at(day.last)),
        interval_ms,
    })
}

/// From the first to the last reading, and before and after them. Of a signal that nobody had heard
/// before nothing was expected before its first reading.
fn expected(day: &Day, (was_heard, span): (bool, f64), interval: f64) -> u64 {
    let (first, last) = (f64::from(day.first), f64::from(day.last));
    let inside = whole(((last - first) / interval).round()) + 1;
    let lost = |intervals: f64| if intervals < WAIT_MAX { 0.0 } else { intervals };
    let before = if was_heard { whole(lost(first / interval)) } else { 0 };
    // A reading at the very end belongs to the next day.
    let after = whole((lost((span - last) / interval) - 1.0).ceil().max(0.0));
    before + inside + after
}

/// How many readings a day without any has lost: at which times they were due is not known.
fn due(is_over: bool, intervals: f64) -> u64 {
    if is_over {
        return whole(intervals.round());
    }
    if intervals < WAIT_MAX { 0 } else { whole(intervals) }
}

/// The interval of the last day that had one, unless more of these days had none.
fn interval_of(days: &[Option<&Day>]) -> Option<f64> {
    let rhythms = || days.iter().flatten().map(|day| &day.rhythm);
    let irregular = rhythms().filter(|rhythm| **rhythm == Rhythm::Irregular).count();
    let regular = || {
        rhythms().filter_map(|rhythm| match rhythm {
            Rhythm::Regular(interval) => Some(*interval),
            Rhythm::Irregular | Rhythm::Few(_) => None,
        })
    };
    match regular().count() {
        0 if irregular == 0 => interval_of_few(days),
        count if count < irregular => None,
        _ => regular().next_back(),
    }
}

/// Of a signal that reports a few times a day, or less often.
fn interval_of_few(days: &[Option<&Day>]) -> Option<f64> {
    let mut times: Vec<i64> = Vec::new();
    for (place, day) in (0..).zip(days) {
        let start: i64 = place * DAY_MS;
        if let Some(Day { rhythm: Rhythm::Few(few), .. }) = day {
            times.extend(few.iter().map(|time| start + i64::from(*time)));
        }
    }
    let mut gaps = gaps(&times);
    let is_enough = gaps.len() >= GAPS_OF_DAYS_MIN;
    is_enough.then(|| interval(&mut gaps, SHARE_OF_DAYS_MIN)).flatten()
}

#[expect(clippy::cast_precision_loss, reason = "times of some days are far below 2^53")]
fn number(millis: i64) -> f64 {
    millis as f64
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn number_of(count: usize) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "parts of a day, and not below zero"
)]
fn whole(count: f64) -> u64 {
    count as u64
}

#[cfg(test)]
mod tests;
