//! The readings of one series in a window of time.

use std::ops::Range;

use arrow::array::{Array, Float64Array, StringArray};

#[derive(Debug, Default)]
pub(crate) struct Track {
    pub(crate) times: Vec<i64>,
    /// Zero where there is none.
    pub(crate) numbers: Vec<f64>,
    /// Rows without a number and their texts, ascending.
    pub(crate) texts: Vec<(u32, Box<str>)>,
}

impl Track {
    /// Adds `rows` of the columns of a batch, whose times are `times`; answers the bytes of texts.
    pub(crate) fn push(
        &mut self,
        times: &[i64],
        (numbers, texts): (&Float64Array, &StringArray),
        rows: Range<usize>,
    ) -> usize {
        let first = self.times.len();
        self.times.extend_from_slice(times);
        self.numbers.extend_from_slice(numbers.values().get(rows.clone()).unwrap_or_default());
        if numbers.null_count() == 0 {
            return 0;
        }
        let mut bytes = 0;
        for (offset, row) in rows.enumerate().filter(|(_, row)| numbers.is_null(*row)) {
            let text = if texts.is_valid(row) { texts.value(row) } else { "" };
            bytes += text.len();
            self.texts.push((u32::try_from(first + offset).unwrap_or(u32::MAX), text.into()));
        }
        bytes
    }

    /// By time. Readings come sorted but for those that are late.
    pub(crate) fn sort(&mut self) {
        if self.times.is_sorted() {
            return;
        }
        let mut order: Vec<usize> = (0..self.times.len()).collect();
        order.sort_by_key(|row| self.times.get(*row));
        let old = std::mem::take(self);
        for (place, row) in (0_u32..).zip(order) {
            self.times.push(old.times.get(row).copied().unwrap_or_default());
            self.numbers.push(old.numbers.get(row).copied().unwrap_or_default());
            if let Some(text) = old.text(row) {
                self.texts.push((place, text.into()));
            }
        }
    }

    /// The text of a row that has no number.
    pub(crate) fn text(&self, row: usize) -> Option<&str> {
        if self.texts.is_empty() {
            return None;
        }
        let row = u32::try_from(row).ok()?;
        let found = self.texts.binary_search_by_key(&row, |(row, _)| *row).ok()?;
        self.texts.get(found).map(|(_, text)| &**text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_readings_go_to_their_place_with_their_texts() {
        let numbers = Float64Array::from(vec![Some(3.0), None, Some(2.0)]);
        let texts = StringArray::from(vec![None, Some("on"), None]);
        let mut track = Track::default();
        assert_eq!(track.push(&[30, 40, 20], (&numbers, &texts), 0..3), 2);
        track.sort();
        assert_eq!(track.times, [20, 30, 40]);
        assert_eq!((track.numbers.first(), track.text(0)), (Some(&2.0), None));
        assert_eq!(track.text(2), Some("on"));
    }
}
