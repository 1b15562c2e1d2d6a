//! Runs many seeds: `cargo run -p sim -- --seeds 100000`. A seed that fails is named, and fails again
//! when it is run alone.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::Parser;
use sim::{Outcome, Sabotage, run};

/// Simulates whole sites with faults and crashes, one per seed.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many seeds.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Threads; each runs sites of its own.
    #[arg(long, default_value_t = 2)]
    threads: u64,
    /// Breaks the site on purpose, to see that the oracle notices.
    #[arg(long, value_enum, default_value_t = Broken::None)]
    sabotage: Broken,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Broken {
    None,
    AcknowledgeBeforeSync,
    AcknowledgeBeforeVisible,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let next = AtomicU64::new(arguments.first);
    let totals = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..arguments.threads.max(1))
            .map(|_| scope.spawn(|| work(&arguments, &next)))
            .collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect::<Vec<_>>()
    });
    let mut sum = Outcome::default();
    let mut failed = totals.len() as u64 != arguments.threads.max(1);
    for (outcome, violations) in totals {
        sum += outcome;
        failed |= violations > 0;
    }
    say(&format!(
        "{} seeds: {} readings acknowledged, {} delivered, {} crashes, {} flushes, {} merges, {} erasures, {} disk faults; {}",
        arguments.seeds,
        sum.acknowledged,
        sum.delivered,
        sum.crashes,
        sum.flushes,
        sum.merges,
        sum.erasures,
        sum.faults,
        if failed { "VIOLATIONS" } else { "0 violations" },
    ));
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn work(arguments: &Arguments, next: &AtomicU64) -> (Outcome, u64) {
    let sabotage = match arguments.sabotage {
        Broken::None => Sabotage::None,
        Broken::AcknowledgeBeforeSync => Sabotage::AcknowledgeBeforeSync,
        Broken::AcknowledgeBeforeVisible => Sabotage::AcknowledgeBeforeVisible,
    };
    let (mut sum, mut violations) = (Outcome::default(), 0);
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= arguments.first + arguments.seeds {
            return (sum, violations);
        }
        match run(seed, sabotage) {
            Ok(outcome) => {
                sum += outcome;
            }
            Err(violation) => {
                violations += 1;
                say(&format!("seed {seed}: {violation:?}"));
            }
        }
    }
}

#[expect(clippy::print_stdout, reason = "a command line tool speaks on stdout")]
fn say(line: &str) {
    println!("{line}");
}
