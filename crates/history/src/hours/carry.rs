//! What the hours of a day say of readings that left it, because those of their device are kept
//! shorter than others: nothing can make these rows again, so they stay when the others are made. In
//! files of their own, because they stand for nothing that is there.

use std::error::Error;

use arrow::array::RecordBatch;

use crate::fault::{MergeFault, ReadFault};
use crate::merge::ranks::Ranks;
use crate::merge::weave::{Key, Weave, keys};

/// The rows that a day's hours had, in their order.
#[derive(Debug)]
pub(crate) struct Carried<'a> {
    ranks: &'a Ranks,
    /// `None` at the end.
    weave: Option<Weave<'a>>,
    rows: RecordBatch,
    keys: Vec<Key>,
}

impl<'a> Carried<'a> {
    pub(crate) fn new(ranks: &'a Ranks, weave: Result<Weave<'a>, ReadFault>) -> Self {
        let rows = RecordBatch::new_empty(crate::kind::Kind::Hours.stored());
        let weave = weave.inspect_err(told).ok();
        Self { ranks, weave, rows, keys: Vec::new() }
    }

    /// Gives `take` those that none of the rows that were made take the place of: up to the last one
    /// made, or all.
    pub(crate) fn beside(
        &mut self,
        (made, all): (&RecordBatch, bool),
        mut take: impl FnMut(RecordBatch) -> Result<(), MergeFault>,
    ) -> Result<(), MergeFault> {
        let known = keys(made, self.ranks).unwrap_or_default();
        let mut at = 0;
        while let Some(key) = self.first() {
            let rest = known.get(at..).unwrap_or_default();
            at += rest.partition_point(|made| *made < key);
            match known.get(at) {
                None if !all => return Ok(()),
                Some(made) if *made == key => drop(self.split(1)),
                made => {
                    let before = |key: &Key| made.is_none_or(|made| key < made);
                    let count = self.keys.partition_point(before);
                    take(self.split(count))?;
                }
            }
        }
        Ok(())
    }

    /// The key of its first row. What cannot be read is no loss but of what it alone says.
    fn first(&mut self) -> Option<Key> {
        while self.keys.is_empty() {
            match self.weave.as_mut()?.next() {
                Ok(Some(piece)) => {
                    self.keys = keys(&piece.rows, self.ranks).unwrap_or_default();
                    self.rows = piece.rows;
                }
                Ok(None) => self.weave = None,
                Err(fault) => {
                    told(&fault);
                    self.weave = None;
                }
            }
        }
        self.keys.first().copied()
    }

    fn split(&mut self, count: usize) -> RecordBatch {
        let before = self.rows.slice(0, count);
        self.rows = self.rows.slice(count, self.rows.num_rows() - count);
        self.keys.drain(..count);
        before
    }
}

fn told(fault: &ReadFault) {
    tracing::warn!(
        fault = fault as &dyn Error,
        "hours that cannot be read are made again from readings only"
    );
}
