//! Breaking a site in every way a machine can, and asking SQL afterwards whether what was
//! acknowledged is there. docs/torture.md says what this proves and why.

pub mod bridge;
mod copies;
mod crash_image;
mod device;
mod disk;
mod flights;
mod judge;
pub mod kill;
mod ledger;
mod link;
mod listener;
mod load;
mod passing;
pub mod power;
mod readings;
mod sampler;
mod site;
mod sql;
mod standing;
mod verdict;
mod wire;
mod write_log;

use std::path::PathBuf;

use clap::{Args, Subcommand};

pub use site::{Program, Site, Starting};
pub use sql::count_readings;
pub use verdict::Verdict;

#[derive(Debug, Subcommand)]
pub enum Torture {
    /// kill -9 at random moments, under load and while it starts.
    Kill(kill::Plan),
    /// Power cuts below the file system: what the disk would hold at a random moment.
    Power(power::Plan),
    /// A bridge to mosquitto over a link that is cut, with a kill -9 meanwhile.
    Bridge(bridge::Plan),
}

/// Which program is tortured.
#[derive(Clone, Debug, Default, Args)]
pub struct Which {
    /// The program; without it, `althing` is built.
    #[arg(long)]
    pub binary: Option<PathBuf>,
    /// Given to the program before `serve`.
    #[arg(long = "binary-arg", allow_hyphen_values = true)]
    pub binary_args: Vec<String>,
    /// Without xtask/torture.toml, which makes segments and the hot tail small.
    #[arg(long)]
    pub as_shipped: bool,
    /// Without erasures, retention and backups, which other programs do not have.
    #[arg(long)]
    pub plain: bool,
    /// Given to the program after its other arguments.
    #[arg(long = "serve-arg", allow_hyphen_values = true)]
    pub serve_args: Vec<String>,
}

/// # Errors
/// When the harness cannot do its work, or when the site broke its promise.
pub fn run(torture: &Torture) -> anyhow::Result<()> {
    let verdict = match torture {
        Torture::Kill(plan) => kill::run(plan)?,
        Torture::Power(plan) => power::run(plan)?,
        Torture::Bridge(plan) => bridge::run(plan)?,
    };
    crate::say(&verdict.to_string());
    verdict.into_result()
}
