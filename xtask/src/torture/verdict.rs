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

    pub fn opened(&mut self, took: Duration, longest: Duration) {
        self.opened_max = self.opened_max.max(took);
        if took > longest {
            self.slow += 1;
            self.example("slow", &format!("opened after {took:?}"));
        }
    }

    fn example(&mut self, kind: &str, example: &str) {
        if self.examples.len() < EXAMPLES_MAX {
            self.examples.push(format!("{kind}: {example}"));
        }
    }

    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.lost + self.wrong + self.doubled + self.late + self.slow == 0
    }

    /// # Errors
    /// When the promise was broken, or nothing was acknowledged that could prove anything.
    pub fn into_result(self) -> anyhow::Result<()> {
        if !self.is_clean() {
            bail!("the promise was broken");
        }
        if self.judged == 0 {
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
        write!(
            out,
            "lost {}, wrong {}, doubled {}, late {}, slow starts {}",
            self.lost, self.wrong, self.doubled, self.late, self.slow
        )
    }
}
