//! What a torture found.

use std::fmt;
use std::time::Duration;

use anyhow::bail;

/// Enough to see what is wrong; the counts tell how often.
const EXAMPLES_MAX: usize = 20;

#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// What was done, in words.
    pub deed: String,
    /// Messages acknowledged.
    pub acknowledged: u64,
    /// Acknowledged messages looked for in SQL after a crash, each time they were.
    pub judged: u64,
    /// Messages looked for in SQL right after their acknowledgement.
    pub sampled: u64,
    pub lost: u64,
    pub wrong: u64,
    pub doubled: u64,
    /// Acknowledged, and yet SQL did not have it at once.
    pub late: u64,
    /// Acknowledged messages that a subscriber with a session that lasts was owed.
    pub owed: u64,
    /// Of these, what never arrived.
    pub undelivered: u64,
    /// Messages that both sides handle at QoS 2, in sessions that last, and that came again.
    pub delivered_twice: u64,
    /// Sessions that the site had confirmed and did not know any more.
    pub session_lost: u64,
    /// Retained messages that a fresh subscriber looked for.
    pub retained: u64,
    /// Of these, what was not there, or only what had been there before.
    pub retained_lost: u64,
    /// Backups that verified.
    pub copies: u64,
    /// Connections that found their session again.
    pub resumed: u64,
    /// The longest from start to ready.
    pub opened_max: Duration,
    /// Starts that took longer than allowed.
    pub slow: u64,
    pub examples: Vec<String>,
}

impl Verdict {
    pub fn lost(&mut self, example: &str) {
        self.lost += 1;
        self.example("lost", example);
    }

    pub fn wrong(&mut self, example: &str) {
        self.wrong += 1;
        self.example("wrong", example);
    }

    pub fn doubled(&mut self, example: &str) {
        self.doubled += 1;
        self.example("doubled", example);
    }

    pub fn late(&mut self, example: &str) {
        self.late += 1;
        self.example("late", example);
    }

    pub fn undelivered(&mut self, example: &str) {
        self.undelivered += 1;
        self.example("undelivered", example);
    }

    pub fn delivered_twice(&mut self, example: &str) {
        self.delivered_twice += 1;
        self.example("delivered twice", example);
    }

    pub fn session_lost(&mut self, example: &str) {
        self.session_lost += 1;
        self.example("session lost", example);
    }

    pub fn retained_lost(&mut self, example: &str) {
        self.retained_lost += 1;
        self.example("retained lost", example);
    }

    pub fn opened(&mut self, took: Duration, longest: Duration) {
        self.opened_max = self.opened_max.max(took);
        if took > longest {
            self.slow += 1;
            self.example("slow", &format!("opened after {took:?}"));
        }
    }

    /// Adds what another looker found.
    pub(super) fn absorb(&mut self, other: Self) {
        self.sampled += other.sampled;
        self.wrong += other.wrong;
        self.late += other.late;
        self.undelivered += other.undelivered;
        self.delivered_twice += other.delivered_twice;
        self.session_lost += other.session_lost;
        self.retained += other.retained;
        self.retained_lost += other.retained_lost;
        self.resumed += other.resumed;
        self.copies += other.copies;
        let room = EXAMPLES_MAX.saturating_sub(self.examples.len());
        self.examples.extend(other.examples.into_iter().take(room));
    }

    fn example(&mut self, kind: &str, example: &str) {
        if self.examples.len() < EXAMPLES_MAX {
            self.examples.push(format!("{kind}: {example}"));
        }
    }

    #[must_use]
    pub const fn is_clean(&self) -> bool {
        let in_sql = self.lost + self.wrong + self.doubled + self.late;
        let in_sessions = self.undelivered + self.delivered_twice + self.session_lost;
        in_sql + in_sessions + self.retained_lost + self.slow == 0
    }

    /// # Errors
    /// When the promise was broken, or nothing was acknowledged that could prove anything.
    pub fn into_result(self) -> anyhow::Result<()> {
        if !self.is_clean() {
            bail!("the promise was broken");
        }
        if self.judged == 0 || self.owed == 0 {
            bail!("nothing was acknowledged: this proves nothing");
        }
        Ok(())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for example in &self.examples {
            writeln!(out, "  {example}")?;
        }
        writeln!(out, "{}", self.deed)?;
        writeln!(
            out,
            "acknowledged {}, looked for after a crash {}, sampled at once {}, slowest start {:.2} s",
            self.acknowledged,
            self.judged,
            self.sampled,
            self.opened_max.as_secs_f64()
        )?;
        writeln!(
            out,
            "owed to a subscriber {}, sessions found again {}, retained looked for {}, backups verified {}",
            self.owed, self.resumed, self.retained, self.copies
        )?;
        write!(
            out,
            "lost {}, wrong {}, doubled {}, late {}, slow starts {}, undelivered {}, \
             delivered twice {}, sessions lost {}, retained lost {}",
            self.lost,
            self.wrong,
            self.doubled,
            self.late,
            self.slow,
            self.undelivered,
            self.delivered_twice,
            self.session_lost,
            self.retained_lost
        )
    }
}
