//! `althing top`: what a running site does, on a screen that is drawn again every second.

use std::time::Duration;

use field::Stop;

use crate::cli::TopArgs;
use crate::complaint::{Complaint, Exit, forgive_closed_pipe};

use super::Context;

mod picture;
mod snapshot;
mod terminal;

use picture::draw;
use snapshot::{Site, Snapshot};
use terminal::Terminal;

const EVERY: Duration = Duration::from_secs(1);

/// How often it is looked whether a key was pressed.
const NAP: Duration = Duration::from_millis(50);

/// # Errors
/// When the site is not there, or the terminal cannot be written to.
pub(crate) fn run(context: &mut Context<'_>, args: &TopArgs, stop: &Stop) -> Result<(), Complaint> {
    let address = args.http.unwrap_or(context.config.http.address);
    let site = Site::new(&format!("http://{address}"));
    let mut snapshot = site.snapshot()?;
    if context.json || args.once {
        let text = if context.json { snapshot.json() } else { draw(&snapshot, None) };
        let written = writeln!(context.out, "{}", text.trim_end());
        return written.and_then(|()| context.out.flush()).or_else(forgive_closed_pipe);
    }
    let Some(terminal) = Terminal::enter()? else {
        let cause = "this is no terminal";
        return Err(Complaint::new(Exit::Usage, cause)
            .at("standard output")
            .next("althing top --once"));
    };
    let mut before: Option<Snapshot> = None;
    loop {
        terminal.show(&draw(&snapshot, before.as_ref()))?;
        let mut waited = Duration::ZERO;
        while waited < EVERY {
            if terminal.is_quit() || stop.wait(NAP) {
                return Ok(());
            }
            waited += NAP;
        }
        before = Some(std::mem::replace(&mut snapshot, site.snapshot()?));
    }
}
