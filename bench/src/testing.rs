//! Plans for tests, from flags as they are given to the program.

use clap::Parser;

use crate::LoadPlan;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    plan: LoadPlan,
}

pub(crate) fn plan(flags: &[&str]) -> LoadPlan {
    let target = ["load", "--address=127.0.0.1:1", "--broker-pid=1"];
    Line::parse_from(target.iter().chain(flags)).plan
}
