//! `althing credential`: makes a line for the file of `mqtt.credentials` from a name and a password.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;

use scram::{Secret, prepare_name};

use super::Context;
use crate::cli::CredentialArgs;
use crate::complaint::{Complaint, Exit};

/// More than a password may have.
const LINE_BYTES_MAX: u64 = 4_096;

/// # Errors
/// When the name or the password cannot be one, or there is none.
pub(crate) fn run(context: &mut Context<'_>, args: &CredentialArgs) -> Result<(), Complaint> {
    let name = prepare_name(&args.name).ok().filter(|name| is_writable(name)).ok_or_else(|| {
        let cause = format!("{:?} cannot be a name", args.name);
        let next = "a name has no control characters, no # in front and no room around it";
        Complaint::new(Exit::Usage, cause).next(next)
    })?;
    if io::stdin().is_terminal() {
        writeln!(io::stderr(), "Password (it is shown; a pipe hides it):")?;
    }
    let password = first_line(io::stdin().lock(), "standard input")?;
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|fault| Complaint::from_error(Exit::Failed, &fault))?;
    let secret = Secret::of(&password, salt).map_err(|fault| {
        let cause = format!("that cannot be a password: {fault}");
        Complaint::new(Exit::Usage, cause).at("standard input")
    })?;
    let line = format!("{name}:{secret}");
    if context.json {
        writeln!(context.out, "{}", serde_json::json!({ "name": name, "credential": line }))?;
    } else {
        writeln!(context.out, "{line}")?;
    }
    Ok(())
}

/// A line with this name is read as it was meant.
fn is_writable(name: &str) -> bool {
    !name.starts_with('#') && name.trim() == name
}

/// The password in a file: its first line.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn password_in(path: &Path) -> Result<String, Complaint> {
    let place = path.display().to_string();
    let file = std::fs::File::open(path).map_err(|fault| {
        let missing = fault.kind() == io::ErrorKind::NotFound;
        let exit = if missing { Exit::NotFound } else { Exit::Failed };
        Complaint::from_error(exit, &fault).at(place.as_str())
    })?;
    first_line(io::BufReader::new(file), &place)
}

fn first_line(input: impl io::BufRead, place: &str) -> Result<String, Complaint> {
    let mut line = String::new();
    let read = input.take(LINE_BYTES_MAX).read_line(&mut line);
    read.map_err(|fault| Complaint::from_error(Exit::Failed, &fault).at(place))?;
    let text = line.strip_suffix('\n').unwrap_or(&line);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}
