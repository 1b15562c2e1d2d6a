//! What the way does to what trucks say: rows and fields that are lost, rows that come late.

use std::collections::VecDeque;

use super::entry::{Entry, TAGS};
use crate::dice::Dice;

const BATCH: usize = 10;

/// Of a batch of rows.
const BATCH_LOST: f64 = 0.01;
const BATCH_LATE: f64 = 0.05;

/// Of a row.
const ROW_LOST: f64 = 0.1;
const FIELD_LOST: f64 = 0.1;
const TAG_LOST: f64 = 0.01;
const ROW_LATE: f64 = 0.3;

/// Whether what waits comes next.
const COMES: f64 = 0.5;

/// No stream of a truck has this number.
const STREAM: u64 = u64::MAX - 1;

#[derive(Debug)]
pub(super) struct Disorder<I> {
    rows: I,
    dice: Dice,
    late_rows: VecDeque<Entry>,
    late_batches: VecDeque<Vec<Entry>>,
    batch: std::vec::IntoIter<Entry>,
}

impl<I: Iterator<Item = Entry>> Disorder<I> {
    pub(super) fn new(rows: I, seed: u64) -> Self {
        Self {
            rows,
            dice: Dice::new(seed, STREAM),
            late_rows: VecDeque::new(),
            late_batches: VecDeque::new(),
            batch: Vec::new().into_iter(),
        }
    }

    /// `None` at the end of everything.
    fn next_batch(&mut self) -> Option<Vec<Entry>> {
        loop {
            if !self.late_batches.is_empty() && self.dice.chance(COMES) {
                return self.late_batches.pop_front();
            }
            let batch: Vec<Entry> = std::iter::from_fn(|| self.next_row()).take(BATCH).collect();
            if batch.is_empty() {
                return self.late_batches.pop_front();
            }
            if self.dice.chance(BATCH_LOST) {
                continue;
            }
            if self.dice.chance(BATCH_LATE) {
                self.late_batches.push_back(batch);
                continue;
            }
            return Some(batch);
        }
    }

    fn next_row(&mut self) -> Option<Entry> {
        loop {
            if !self.late_rows.is_empty() && self.dice.chance(COMES) {
                return self.late_rows.pop_front();
            }
            let Some(mut row) = self.rows.next() else { return self.late_rows.pop_front() };
            if self.dice.chance(ROW_LOST) {
                continue;
            }
            if self.dice.chance(FIELD_LOST) {
                row.lost_field = Some(self.dice.below(row.table.fields().len()));
            }
            if self.dice.chance(TAG_LOST) {
                row.lost_tag = Some(self.dice.below(TAGS));
            }
            if self.dice.chance(ROW_LATE) {
                self.late_rows.push_back(row);
                continue;
            }
            return Some(row);
        }
    }
}

impl<I: Iterator<Item = Entry>> Iterator for Disorder<I> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        if let Some(row) = self.batch.next() {
            return Some(row);
        }
        self.batch = self.next_batch()?.into_iter();
        self.batch.next()
    }
}

#[cfg(test)]
mod tests;
