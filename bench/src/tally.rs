//! Which messages of one publisher arrived, exactly: a bit for each.

#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    seen: Vec<u64>,
    distinct: u64,
    /// One more than the highest number seen.
    next: u64,
    pub(crate) duplicated: u64,
    pub(crate) reordered: u64,
}

impl Tally {
    pub(crate) fn take(&mut self, sequence: u64) {
        let Ok(word) = usize::try_from(sequence / 64) else { return };
        if self.seen.len() <= word {
            self.seen.resize(word + 1, 0);
        }
        let bit = 1 << (sequence % 64);
        let Some(bits) = self.seen.get_mut(word) else { return };
        if *bits & bit != 0 {
            self.duplicated += 1;
            return;
        }
        *bits |= bit;
        self.distinct += 1;
        if sequence < self.next {
            self.reordered += 1;
        }
        self.next = self.next.max(sequence + 1);
    }

    /// Takes over what another one saw. What both saw came twice.
    pub(crate) fn absorb(&mut self, other: &Self) {
        if self.seen.len() < other.seen.len() {
            self.seen.resize(other.seen.len(), 0);
        }
        for (bits, more) in self.seen.iter_mut().zip(&other.seen) {
            let both = u64::from((*bits & more).count_ones());
            self.duplicated += both;
            self.distinct += u64::from(more.count_ones()) - both;
            *bits |= more;
        }
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
        self.next = self.next.max(other.next);
    }

    /// Of the first `sent` numbers.
    pub(crate) const fn lost(&self, sent: u64) -> u64 {
        sent.saturating_sub(self.distinct)
    }
}

#[cfg(test)]
mod tests;
