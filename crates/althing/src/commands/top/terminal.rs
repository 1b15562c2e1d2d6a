//! The terminal as a screen of our own, and as it was before, however the program ends.
//!
//! Keys without Enter come through `stty`, which every system with a terminal has; without it, `q`
//! needs Enter.

use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::layout::Screen;

const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

/// Dropping it gives the terminal back, also while a panic unwinds.
pub(super) struct Terminal {
    /// As `stty` tells them.
    settings: Option<String>,
    quit: Arc<AtomicBool>,
}

impl Terminal {
    /// `None` when the output or the input is no terminal.
    pub(super) fn enter() -> io::Result<Option<Self>> {
        if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
            return Ok(None);
        }
        let settings = stty(&["-g"]);
        if settings.is_some() && stty(&["-icanon", "-echo"]).is_none() {
            tracing::debug!("keys need Enter");
        }
        let quit = Arc::new(AtomicBool::new(false));
        let terminal = Self { settings, quit: Arc::clone(&quit) };
        write(ENTER)?;
        // It ends with the process: a read of a terminal cannot be called off.
        std::thread::Builder::new().name("keys".to_owned()).spawn(move || {
            let pressed = io::stdin().lock().bytes().map_while(Result::ok);
            if pressed.into_iter().any(|key| matches!(key, b'q' | b'Q' | 0x1b)) {
                quit.store(true, Ordering::Release);
            }
        })?;
        Ok(Some(terminal))
    }

    pub(super) fn is_quit(&self) -> bool {
        self.quit.load(Ordering::Acquire)
    }

    /// As it is now: windows are drawn larger and smaller.
    #[expect(clippy::unused_self, reason = "only who has entered may draw")]
    pub(super) fn size(&self) -> Screen {
        stty(&["size"]).as_deref().and_then(parse).unwrap_or(Screen::USUAL)
    }

    /// Writes over what is there, line by line, so that nothing flickers.
    #[expect(clippy::unused_self, reason = "only who has entered may draw")]
    pub(super) fn show(&self, picture: &str) -> io::Result<()> {
        let lines: Vec<&str> = picture.lines().collect();
        write(&format!("\x1b[H{}\x1b[K\x1b[J", lines.join("\x1b[K\r\n")))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(settings) = &self.settings
            && stty(&[settings.trim()]).is_none()
        {
            tracing::debug!("the terminal could not be restored");
        }
        if let Err(fault) = write(LEAVE) {
            tracing::debug!(%fault, "the terminal is gone");
        }
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Rows and columns; a terminal that does not know them says 0.
fn parse(size: &str) -> Option<Screen> {
    let (rows, columns) = size.trim().split_once(' ')?;
    let (rows, columns): (usize, usize) = (rows.parse().ok()?, columns.parse().ok()?);
    (rows > 0 && columns > 0).then_some(Screen { columns, rows: Some(rows) })
}

/// What it says; `None` when it is not there or fails.
fn stty(args: &[&str]) -> Option<String> {
    let mut command = Command::new("stty");
    let output = command.args(args).stdin(Stdio::inherit()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
