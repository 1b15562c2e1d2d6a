//! What a shard asks of other threads, and what they tell it.

use super::Reactor;
use crate::clock::Now;
use crate::mailbox::{Adopted, Letter};
use crate::shard::{Claim, Remote, Verdict};

impl Reactor {
    pub(super) fn fetch(&mut self) {
        self.unasked.extend(self.shard.drain_wants());
        while let Some(want) = self.unasked.pop_front() {
            if let Some(want) = self.shared.librarian.ask(want) {
                self.unasked.push_front(want);
                return;
            }
        }
    }

    pub(super) fn ask_doorkeeper(&mut self, now: Now) {
        while let Some(claim) = self.shard.next_claim() {
            let index = self.shard.index();
            let asked = match &self.shared.doorkeeper {
                Some(doorkeeper) => doorkeeper.ask(index, claim),
                None => Err(claim),
            };
            if let Err(claim) = asked {
                self.judged(&claim, Verdict::Busy, now);
            }
        }
    }

    /// A client whose password was checked is read again.
    fn judged(&mut self, claim: &Claim, verdict: Verdict, now: Now) {
        self.shard.judged(claim, verdict, now);
        self.enqueue(claim.key());
    }

    pub(super) fn read_mail(&mut self, now: Now) {
        let index = usize::from(self.shard.index());
        let Some(mailbox) = self.shared.mailboxes.get(index) else { return };
        for letter in mailbox.take() {
            match letter {
                Letter::Deliver(Remote { position, publication, routes, home: _ }) => {
                    self.shard.deliver_all(position, &publication, &routes);
                }
                Letter::Judged(claim, verdict) => self.judged(&claim, verdict, now),
                Letter::Asked(asked) => self.shard.asked(*asked, now),
                Letter::Limits(site, doors) => self.shard.set_limits(&site, &doors),
                Letter::Fetched(session, found) => self.shard.fetched(session, found),
                Letter::Adopt(wire, Adopted { bytes, peer }) => {
                    if let Some(key) = self.adopt(wire, peer, now) {
                        self.shard.receive(key, &bytes, now);
                        self.enqueue(key);
                    }
                }
            }
        }
    }
}
