//! The console in a real browser: the demo is started, and `tests/browser/run.mjs` looks at every
//! page and takes pictures.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Args;

use crate::torture::{Program, Which};
use crate::{setup, step};

/// The demo makes a week of past first, in the development profile.
const READY_WAIT: Duration = Duration::from_secs(120);

#[derive(Clone, Debug, Default, Args)]
pub struct Plan {
    /// Where the pictures go; by default `browser` in the target folder.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Looks at a site that runs already.
    #[arg(long)]
    pub base: Option<String>,
    #[command(flatten)]
    pub which: Which,
}

/// # Errors
/// When the demo does not start or a page is not as it should be.
pub fn run(plan: &Plan) -> Result<()> {
    setup::install(setup::BROWSER)?;
    let workspace = step::workspace()?;
    let scripts = workspace.workspace_root.as_std_path().join("tests/browser");
    ensure!(scripts.join("run.mjs").exists(), "there is no tests/browser/run.mjs");
    let out = match &plan.out {
        Some(out) => std::path::absolute(out)?,
        None => workspace.target_directory.as_std_path().join("browser"),
    };
    std::fs::create_dir_all(&out)?;
    if scripts.join("package-lock.json").exists() {
        step::run_in(
            Command::new("npm").current_dir(&scripts),
            &["ci", "--no-audit", "--no-fund"],
        )?;
    }
    if let Some(base) = &plan.base {
        return look(&scripts, base, &out);
    }
    let scratch = tempfile::Builder::new().prefix("althing-browser-").tempdir()?;
    let (data, log) = (scratch.path().join("data"), out.join("demo.log"));
    let site = Program::find(&plan.which)?.start_demo(&data, &log)?.ready(READY_WAIT)?;
    look(&scripts, &format!("http://{}", site.http()), &out)?;
    site.kill()
}

fn look(scripts: &Path, base: &str, out: &Path) -> Result<()> {
    let out = out.to_string_lossy();
    let mut node = Command::new("node");
    step::run_in(node.current_dir(scripts), &["run.mjs", "--base", base, "--out", &out])?;
    crate::say(&format!("pictures are in {out}"));
    Ok(())
}
