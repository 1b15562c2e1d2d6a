//! Running other programs, and saying so.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use cargo_metadata::{Metadata, MetadataCommand};

/// # Errors
/// When cargo cannot read the workspace.
pub(crate) fn workspace() -> Result<Metadata> {
    Ok(MetadataCommand::new().no_deps().exec()?)
}

/// # Errors
/// When cargo cannot read the workspace.
pub(crate) fn root() -> Result<PathBuf> {
    Ok(workspace()?.workspace_root.into_std_path_buf())
}

/// # Errors
/// When the program cannot be run or fails.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Result<()> {
    run_in(Command::new(program).current_dir(root()?), arguments)
}

/// # Errors
/// When the program cannot be run or fails.
pub(crate) fn run_in(command: &mut Command, arguments: &[&str]) -> Result<()> {
    command.args(arguments);
    crate::say(&format!("$ {}", line(command)));
    let status = command.status().with_context(|| format!("cannot run {}", line(command)))?;
    ensure!(status.success(), "{} ended with {status}", line(command));
    Ok(())
}

fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Whether a program can be found and answers.
#[must_use]
pub(crate) fn has(program: &str, argument: &str) -> bool {
    let output = Command::new(program).arg(argument).output();
    output.is_ok()
}

/// The site's program in the development profile.
///
/// # Errors
/// When it cannot be built.
pub(crate) fn build_althing() -> Result<PathBuf> {
    run("cargo", &["build", "--locked", "--package", "althing"])?;
    Ok(workspace()?.target_directory.into_std_path_buf().join("debug/althing"))
}
