//! Devices that send four values about once a minute, never quite when they should: the commonest thing
//! there is to store.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::dice::Dice;
use crate::tsbs::START_S;
use crate::walk::{Walk, cut};

#[derive(Clone, Debug, Args)]
pub struct JitterPlan {
    #[arg(long, default_value_t = 1_000)]
    pub devices: u32,
    #[arg(long, default_value_t = 24)]
    pub hours: u32,
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// The folder for `points.lp` and `nodes.csv`.
    #[arg(long)]
    pub out: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jittered {
    pub values: u64,
}

/// Of a device between two messages, and how much later than that each may come.
const STEP_MS: i64 = 60_000;
const JITTER_MS: f64 = 2_000.0;

const SIGNALS: [(&str, i32); 4] =
    [("temperature", 1), ("humidity", 1), ("pressure", 1), ("battery", 2)];

struct Node {
    dice: Dice,
    /// When it sends within the step.
    phase_ms: i64,
    walks: [Walk; SIGNALS.len()],
}

impl Node {
    #[expect(clippy::cast_possible_truncation, reason = "a part of a minute")]
    fn new(number: u32, seed: u64) -> Self {
        let mut dice = Dice::new(seed, u64::from(number));
        let phase_ms = dice.between(0.0, 50_000.0) as i64;
        let walks = [
            Walk::uniform((-0.15, 0.15), (-20.0, 45.0), dice.between(5.0, 30.0)),
            Walk::uniform((-0.4, 0.4), (10.0, 100.0), dice.between(30.0, 80.0)),
            Walk::uniform((-0.1, 0.1), (960.0, 1_050.0), dice.between(990.0, 1_030.0)),
            Walk::uniform((-0.011, 0.01), (2.0, 3.6), dice.between(2.8, 3.6)),
        ];
        Self { dice, phase_ms, walks }
    }

    #[expect(clippy::cast_possible_truncation, reason = "some seconds")]
    fn next(&mut self, tick: i64) -> (i64, [f64; SIGNALS.len()]) {
        let dice = &mut self.dice;
        let late = dice.between(0.0, JITTER_MS) as i64;
        self.walks.iter_mut().for_each(|walk| walk.advance(dice));
        let mut values = [0.0; SIGNALS.len()];
        for ((value, walk), (_, decimals)) in values.iter_mut().zip(&self.walks).zip(SIGNALS) {
            *value = cut(walk.value, decimals);
        }
        (START_S * 1_000 + tick * STEP_MS + self.phase_ms + late, values)
    }
}

/// # Errors
/// When a file cannot be written.
pub fn jitter(plan: &JitterPlan) -> Result<Jittered> {
    std::fs::create_dir_all(&plan.out)?;
    let (mut points, mut rows) =
        (create(&plan.out.join("points.lp"))?, create(&plan.out.join("nodes.csv"))?);
    let mut nodes: Vec<Node> = (0..plan.devices).map(|it| Node::new(it, plan.seed)).collect();
    let mut values_count = 0;
    for tick in 0..i64::from(plan.hours) * 60 {
        for (number, node) in nodes.iter_mut().enumerate() {
            let (time_ms, values) = node.next(tick);
            write!(points, "node,device=node{number} ")?;
            write!(rows, "{},node{number}", Timestamp::from_millisecond(time_ms)?)?;
            for (place, (value, (name, _))) in values.iter().zip(SIGNALS).enumerate() {
                let comma = if place > 0 { "," } else { "" };
                write!(points, "{comma}{name}={value}")?;
                write!(rows, ",{value}")?;
                values_count += 1;
            }
            writeln!(points, " {time_ms}")?;
            writeln!(rows)?;
        }
    }
    points.flush()?;
    rows.flush()?;
    Ok(Jittered { values: values_count })
}

fn create(path: &Path) -> Result<BufWriter<File>> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(BufWriter::with_capacity(1 << 20, file))
}

#[cfg(test)]
mod tests;
