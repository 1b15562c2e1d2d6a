//! Folders of a table: which times lie together. A day is one, until the files of a whole week, or of
//! thirteen weeks, are so small that they become one together.

use std::collections::BTreeSet;

/// Milliseconds in a day.
pub(crate) const DAY_MS: i64 = 86_400_000;

/// 1999-12-31, in days since 1970: the folder of all that is older. Together with `DAY_LAST` it
/// bounds the folders that wrong clocks can cause to 36,526.
const DAY_FIRST: i32 = 10_956;
/// 2100-01-01: the folder of all that is later.
pub(crate) const DAY_LAST: i32 = 47_482;

/// Days of the longer folders. Each begins where the shorter ones in it do.
pub(crate) const LENGTHS: [i32; 2] = [7, 7 * 13];

/// A Monday, in days since 1970, from which they are counted.
const ORIGIN: i32 = -3;

/// Days (UTC) whose readings lie together. Those of one table do not overlap, so each is known by
/// its first day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Folder {
    /// In days since 1970.
    pub(crate) first: i32,
    pub(crate) days: i32,
}

impl Folder {
    pub(crate) const fn day(first: i32) -> Self {
        Self { first, days: 1 }
    }

    /// The day that a time in milliseconds belongs to.
    pub(crate) fn of(time: i64) -> Self {
        let day = time.div_euclid(DAY_MS).clamp(i64::from(DAY_FIRST), i64::from(DAY_LAST));
        Self::day(i32::try_from(day).unwrap_or(DAY_LAST))
    }

    /// What the log says of a folder; `None` where that is none of ours.
    pub(crate) fn told(name: &str, days: i32) -> Option<Self> {
        let told = Self { first: day_from_name(name)?, days };
        let is_long = || LENGTHS.contains(&days) && told.within(days) == Some(told);
        (days == 1 || is_long()).then_some(told)
    }

    /// The folder of one of `LENGTHS` that it lies in; `None` for the folders that hold many years, and
    /// for what is longer.
    pub(crate) fn within(self, days: i32) -> Option<Self> {
        let first = self.first - (self.first - ORIGIN).rem_euclid(days);
        let fits = |long: &Self| self.days <= days && self.is_plain() && long.is_plain();
        Some(Self { first, days }).filter(fits)
    }

    pub(crate) const fn is_long(self) -> bool {
        self.days > 1
    }

    /// Whether it holds the times of its own days only.
    pub(crate) const fn is_plain(self) -> bool {
        DAY_FIRST < self.first && self.end() <= DAY_LAST
    }

    /// The day after its last.
    pub(crate) const fn end(self) -> i32 {
        self.first + self.days
    }

    /// From this time on, in milliseconds, and up to this.
    pub(crate) fn times(self) -> (i64, i64) {
        let from = if self.first == DAY_FIRST { i64::MIN } else { i64::from(self.first) * DAY_MS };
        let to = if self.first == DAY_LAST { i64::MAX } else { i64::from(self.end()) * DAY_MS };
        (from, to)
    }

    pub(crate) const fn overlaps(self, other: Self) -> bool {
        self.first < other.end() && other.first < self.end()
    }

    /// That of its first day: `2026-11-25`.
    pub(crate) fn name(self) -> String {
        day_name(self.first)
    }
}

/// The folders that are longer than a day; all other days are one each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Longer(BTreeSet<Folder>);

impl Longer {
    pub(crate) fn add(&mut self, folder: Folder) {
        self.0.extend(Some(folder).filter(|folder| folder.is_long()));
    }

    /// The folder that a time in milliseconds belongs to.
    pub(crate) fn folder_of(&self, time: i64) -> Folder {
        let day = Folder::of(time);
        // This is asked for each reading, and large sites have none.
        if self.0.is_empty() {
            return day;
        }
        self.around(day).unwrap_or(day)
    }

    /// Whether what is known as this folder still is one.
    pub(crate) fn keeps(&self, folder: Folder) -> bool {
        self.around(folder).is_none()
    }

    fn around(&self, folder: Folder) -> Option<Folder> {
        let longer = LENGTHS.into_iter().filter(|days| *days > folder.days);
        longer.filter_map(|days| folder.within(days)).find(|long| self.0.contains(long))
    }
}

/// The name of a day: `2026-11-25`. The calendar counts from 0000-03-01, so that the leap day is the
/// last of its year.
pub(crate) fn day_name(day: i32) -> String {
    let days = i64::from(day) + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The inverse of `day_name`.
pub(crate) fn day_from_name(name: &str) -> Option<i32> {
    let mut parts = name.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let year = year - i64::from(month <= 2);
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * shifted + 2) / 5 + day - 1;
    let of_era = year.rem_euclid(400) * 365 + year.rem_euclid(400) / 4 - year.rem_euclid(400) / 100;
    let days = year.div_euclid(400) * 146_097 + of_era + of_year - 719_468;
    i32::try_from(days).ok().filter(|found| day_name(*found) == name)
}

#[cfg(test)]
mod tests;
