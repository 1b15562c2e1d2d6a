//! What came back so far.

use anyhow::Result;

use crate::LoadPlan;
use crate::report::Samples;

pub(super) struct Counters {
    pub(super) acknowledged: u64,
    pub(super) acknowledged_ever: u64,
    pub(super) refused: u64,
    pub(super) delivered: u64,
    /// When the last answer was read.
    pub(super) answer_ns: u64,
    pub(super) acknowledge: Samples,
    pub(super) deliver: Samples,
    /// Subscribers that hear one publisher.
    copies: u64,
    /// Copies that were sent and have not arrived.
    copies_on_the_way: u64,
    copies_max: u64,
}

impl Counters {
    pub(super) fn new(plan: &LoadPlan) -> Result<Self> {
        let copies = plan.copies();
        let copies_max = match plan.delivery_window {
            0 => u64::MAX,
            messages => messages.saturating_mul(copies),
        };
        Ok(Self {
            acknowledged: 0,
            acknowledged_ever: 0,
            refused: 0,
            delivered: 0,
            answer_ns: 0,
            acknowledge: Samples::new()?,
            deliver: Samples::new()?,
            copies,
            copies_on_the_way: 0,
            copies_max,
        })
    }

    /// The warm-up is over.
    pub(super) fn restart(&mut self) {
        self.acknowledged = 0;
        self.delivered = 0;
        self.acknowledge.clear();
        self.deliver.clear();
    }

    pub(super) const fn sent(&mut self) {
        self.copies_on_the_way += self.copies;
    }

    pub(super) fn acknowledged(&mut self, age_ns: u64, now_ns: u64) {
        self.acknowledged += 1;
        self.acknowledged_ever += 1;
        self.acknowledge.record(age_ns);
        self.answer_ns = now_ns;
    }

    pub(super) fn delivered(&mut self, age_ns: u64, now_ns: u64) {
        self.delivered += 1;
        self.copies_on_the_way = self.copies_on_the_way.saturating_sub(1);
        self.deliver.record(age_ns);
        self.answer_ns = now_ns;
    }

    pub(super) const fn may_send(&self) -> bool {
        self.copies_on_the_way < self.copies_max
    }

    pub(super) const fn on_the_way(&self) -> u64 {
        self.copies_on_the_way
    }

    /// What was dropped must not hold the window shut for ever.
    pub(super) const fn forgive_stall(&mut self, now_ns: u64, stall_ns: u64) {
        if !self.may_send() && now_ns.saturating_sub(self.answer_ns) > stall_ns {
            self.copies_on_the_way = 0;
        }
    }
}
