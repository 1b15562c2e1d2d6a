//! All automation of the project: `cargo xtask --help`.

use clap::Parser;
use xtask::{browser, comparison, conformance, differential, spec, suite, tidy, torture};

#[derive(Debug, Parser)]
#[command(about = "All automation of the project")]
enum Task {
    /// Everything that must hold before a change is taken. Installs what it needs.
    Test(suite::Plan),
    /// The house rules that no compiler knows.
    Tidy,
    /// The statements of the standards that we follow, and the code and tests that cite them.
    Spec(spec::Plan),
    /// Foreign clients against the real binary. Installs them.
    Conformance(conformance::Plan),
    /// The same random packets to mosquitto and to althing, and what each connection hears.
    Differential(differential::Plan),
    /// The console in a real browser, with pictures.
    Browser(browser::Plan),
    /// Breaks a site in every way a machine can, and asks SQL for what was acknowledged.
    #[command(subcommand)]
    Torture(torture::Torture),
    /// Compares with other brokers and stores, interleaved, on the same machine.
    #[command(subcommand)]
    Bench(comparison::Bench),
}

fn main() -> anyhow::Result<()> {
    match Task::parse() {
        Task::Test(plan) => suite::run(&plan),
        Task::Tidy => tidy::run(),
        Task::Spec(plan) => spec::run(&plan),
        Task::Conformance(plan) => conformance::run(&plan),
        Task::Differential(plan) => differential::run(&plan),
        Task::Browser(plan) => browser::run(&plan),
        Task::Torture(torture) => torture::run(&torture),
        Task::Bench(bench) => comparison::run(&bench),
    }
}
