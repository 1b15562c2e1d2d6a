//! `althing sql`: one statement, or a prompt for many.

use std::io::{self, IsTerminal, Read, Write};
use std::time::Duration;

use ureq::Agent;
use ureq::http::StatusCode;

use crate::cli::SqlArgs;
use crate::complaint::{Complaint, Exit, forgive_closed_pipe};

use super::Context;

mod export;
mod prompt;
mod rows;
mod table;

const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// The server has its own limit for a statement; this is for one that hangs.
const ANSWER_PATIENCE: Duration = Duration::from_secs(120);
const STATEMENT_BYTES_MAX: u64 = 1 << 20;
const REASON_BYTES_MAX: u64 = 64 << 10;

/// How the answer is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Table,
    Csv,
    /// One JSON object a line.
    Json,
    Parquet,
}

impl Shape {
    const fn media_type(self) -> &'static str {
        match self {
            Self::Table | Self::Csv => "text/csv",
            Self::Json => "application/json",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }
}

/// # Errors
/// When the site is not there or does not like the statement.
pub(crate) fn run(context: &mut Context<'_>, args: &SqlArgs) -> Result<(), Complaint> {
    let address = args.http.unwrap_or(context.config.http.address);
    let shape = match (args.csv, args.parquet, context.json) {
        (true, ..) => Shape::Csv,
        (_, true, _) => Shape::Parquet,
        (.., true) => Shape::Json,
        // Who reads a file is a program.
        _ if args.out.is_some() => Shape::Csv,
        _ => Shape::Table,
    };
    let site = Site::new(&format!("http://{address}/api/sql"));
    if let Some((path, query)) = args.out.as_ref().zip(args.query.as_deref()) {
        let statement = if query == "-" { read_statement()? } else { query.to_owned() };
        return export::run(&site, (&statement, shape), path);
    }
    match args.query.as_deref() {
        None if io::stdin().is_terminal() => prompt::run(&site, shape, context.out),
        None | Some("-") => site.ask(&read_statement()?, shape, context.out),
        Some(query) => site.ask(query, shape, context.out),
    }
}

fn read_statement() -> Result<String, Complaint> {
    let mut text = String::new();
    io::stdin().lock().take(STATEMENT_BYTES_MAX).read_to_string(&mut text)?;
    if text.trim().is_empty() {
        let complaint = Complaint::new(Exit::Usage, "there is no statement");
        return Err(complaint.at("standard input").next("althing sql 'SELECT * FROM devices'"));
    }
    Ok(text)
}

/// Where statements are sent.
pub(crate) struct Site {
    url: String,
    agent: Agent,
}

impl Site {
    #[must_use]
    pub(crate) fn new(url: &str) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_PATIENCE))
            .timeout_recv_response(Some(ANSWER_PATIENCE))
            .build();
        Self { url: url.to_owned(), agent: config.into() }
    }

    /// # Errors
    /// When the site is not there, or has something against the statement.
    pub(crate) fn ask(
        &self,
        query: &str,
        shape: Shape,
        out: &mut dyn Write,
    ) -> Result<(), Complaint> {
        let request =
            self.agent.post(&self.url).header("content-type", "text/plain; charset=utf-8");
        let answer = request.header("accept", shape.media_type()).send(query);
        let answer = answer.map_err(|error| self.unreachable(&error))?;
        let (status, body) = (answer.status(), answer.into_body());
        if !status.is_success() {
            let mut reason = String::new();
            // A reason that cannot be read is no reason; the status remains.
            let read = body.into_reader().take(REASON_BYTES_MAX).read_to_string(&mut reason);
            let reason = read.map_or_else(|_| String::new(), |_| reason);
            return Err(self.refused(status, &reason));
        }
        let reader = body.into_reader();
        let written = match shape {
            Shape::Csv | Shape::Parquet => copy(reader, out),
            Shape::Json => rows::write(reader, out),
            Shape::Table => table::write(reader, out),
        };
        written.or_else(forgive_closed_pipe).map_err(|complaint| complaint.at(&self.url))
    }

    fn unreachable(&self, error: &ureq::Error) -> Complaint {
        let cause = format!("no site answers: {error}");
        Complaint::new(Exit::Unreachable, cause).at(&self.url).next("althing serve")
    }

    /// The API tells the reason as text or as the member `error` of an object.
    fn refused(&self, status: StatusCode, reason: &str) -> Complaint {
        let parsed: Option<serde_json::Value> = serde_json::from_str(reason).ok();
        let named = parsed.as_ref().and_then(|value| value.get("error"));
        let message = named.and_then(|it| it.get("message").unwrap_or(it).as_str());
        let hint = named.and_then(|it| it.get("hint")).and_then(|it| it.as_str());
        let reason = message.unwrap_or(reason).trim();
        let (exit, next) = match status {
            StatusCode::NOT_FOUND => (Exit::NotFound, "is this the address of an Althing site?"),
            StatusCode::BAD_REQUEST => (Exit::Failed, "althing sql 'SHOW TABLES'"),
            _ => (Exit::Failed, "althing doctor"),
        };
        let cause = if reason.is_empty() {
            format!("the site answers {status}")
        } else {
            reason.to_owned()
        };
        Complaint::new(exit, cause).at(&self.url).next(hint.unwrap_or(next))
    }
}

fn copy(mut reader: impl Read, out: &mut dyn Write) -> io::Result<()> {
    io::copy(&mut reader, out)?;
    out.flush()
}

#[cfg(test)]
mod tests;
