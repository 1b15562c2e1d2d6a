//! `althing top`: what a running site does, on a screen that is drawn again every second.

use std::time::Duration;

use field::Stop;

use crate::cli::TopArgs;
use crate::complaint::{Complaint, Exit, forgive_closed_pipe};

use super::Context;

mod layout;
mod picture;
mod snapshot;
mod terminal;

use layout::Screen;
use picture::{draw, unanswered};
use snapshot::{Site, Snapshot};
use terminal::Terminal;

/// Between two looks, of which each screen tells the difference.
const EVERY: Duration = Duration::from_secs(1);

/// How often it is looked whether a key was pressed.
const NAP: Duration = Duration::from_millis(50);

/// # Errors
/// When the site is not there, or the terminal cannot be written to.
pub(crate) fn run(context: &mut Context<'_>, args: &TopArgs, stop: &Stop) -> Result<(), Complaint> {
    let address = args.http.unwrap_or(context.config.http.address);
    let site = Site::new(&format!("http://{address}"));
    let first = site.snapshot()?;
    if context.json || args.once {
        let text = if context.json { first.json() } else { once(&first, &site, stop)? };
        let written = writeln!(context.out, "{}", text.trim_end());
        return written.and_then(|()| context.out.flush()).or_else(forgive_closed_pipe);
    }
    let Some(terminal) = Terminal::enter()? else {
        let cause = "this is no terminal";
        return Err(Complaint::new(Exit::Usage, cause)
            .at("standard output")
            .next("althing top --once"));
    };
    watch(&terminal, &site, first, stop)
}

/// A rate needs two looks, so this takes a second; counters as they are come with `--json` at once.
fn once(first: &Snapshot, site: &Site, stop: &Stop) -> Result<String, Complaint> {
    if stop.wait(EVERY) {
        return Ok(draw(first, None, Screen::PRINTED));
    }
    Ok(draw(&site.snapshot()?, Some(first), Screen::PRINTED))
}

/// Until somebody quits.
fn watch(terminal: &Terminal, site: &Site, first: Snapshot, stop: &Stop) -> Result<(), Complaint> {
    let mut watched = Watched::new(first);
    loop {
        terminal.show(&watched.picture(terminal.size()))?;
        let mut waited = Duration::ZERO;
        while waited < EVERY {
            if terminal.is_quit() || stop.wait(NAP) {
                return Ok(());
            }
            waited += NAP;
        }
        watched.look(site.snapshot());
    }
}

/// The last two looks at a site. One that does not answer for a while is what people look at this
/// for: the last picture stays, with a line that says so.
struct Watched {
    before: Option<Snapshot>,
    now: Snapshot,
    /// Why the last looks told nothing, and how many they were.
    unanswered: Option<(String, u32)>,
}

impl Watched {
    fn new(first: Snapshot) -> Self {
        Self { before: None, now: first, unanswered: None }
    }

    fn look(&mut self, answer: Result<Snapshot, Complaint>) {
        match answer {
            Ok(later) => {
                self.unanswered = None;
                self.before = Some(std::mem::replace(&mut self.now, later));
            }
            Err(Complaint { cause, .. }) => {
                let looks = self.unanswered.take().map_or(0, |(_, looks)| looks);
                self.unanswered = Some((cause, looks.saturating_add(1)));
            }
        }
    }

    fn picture(&self, screen: Screen) -> String {
        let picture = draw(&self.now, self.before.as_ref(), screen);
        match &self.unanswered {
            Some((cause, looks)) => unanswered(&picture, cause, *looks, screen),
            None => picture,
        }
    }
}

#[cfg(test)]
mod tests;
