//! What is cited, what is excused, and what is open.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;

use super::list::{Statement, Who};
use super::{Cited, Places, Standard};

/// Where a statement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    CodeAndTest,
    Code,
    Test,
    Exception,
    Open,
    /// Clients have to obey it, and no code of ours does yet.
    OfClients,
}

impl State {
    const ALL: [Self; 6] =
        [Self::CodeAndTest, Self::Code, Self::Test, Self::Exception, Self::Open, Self::OfClients];

    fn of(statement: &Statement, places: &Places) -> Self {
        match (places.code.is_empty(), places.tests.is_empty()) {
            _ if statement.exception.is_some() => Self::Exception,
            (false, false) => Self::CodeAndTest,
            (false, true) => Self::Code,
            (true, false) => Self::Test,
            (true, true) if statement.who == Who::Client => Self::OfClients,
            (true, true) => Self::Open,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::CodeAndTest => "code+test",
            Self::Code => "code",
            Self::Test => "test",
            Self::Exception => "exception",
            Self::Open => "open",
            Self::OfClients => "clients'",
        }
    }
}

/// One statement and where it stands.
#[derive(Clone, Debug)]
struct Line<'a> {
    section: &'a str,
    number: &'a str,
    statement: &'a Statement,
    places: Places,
    state: State,
}

#[derive(Clone, Debug)]
pub(super) struct Coverage<'a> {
    standard: &'a Standard,
    lines: Vec<Line<'a>>,
}

impl<'a> Coverage<'a> {
    pub(super) fn of(standard: &'a Standard, cited: &Cited) -> Self {
        let mut lines = Vec::new();
        for (section, statements) in &standard.sections {
            for (number, statement) in statements {
                let key = (standard.name.clone(), number.text.clone());
                let places = cited.get(&key).cloned().unwrap_or_default();
                let state = State::of(statement, &places);
                let (section, number) = (section.text.as_str(), number.text.as_str());
                lines.push(Line { section, number, statement, places, state });
            }
        }
        Self { standard, lines }
    }

    /// Statements that a server has to obey, without a citation and without an exception.
    pub(super) fn open(&self) -> Vec<String> {
        let open = self.lines.iter().filter(|line| line.state == State::Open);
        open.map(|line| format!("{} is neither cited nor excused: {line}", self.standard.name))
            .collect()
    }

    /// An exception and code that obeys cannot both be right.
    pub(super) fn contradictions(&self) -> Vec<String> {
        let both =
            |line: &&Line<'_>| line.statement.exception.is_some() && !line.places.code.is_empty();
        let lines = self.lines.iter().filter(both);
        lines.map(|line| format!("{} is cited and excused: {line}", self.standard.name)).collect()
    }

    /// Every statement, with its state.
    pub(super) fn details(&self) -> String {
        let mut text = String::new();
        for line in &self.lines {
            writeln!(text, "{:>9}  {line}", line.state.word()).unwrap_or_default();
        }
        text
    }

    fn counts(&self) -> Vec<(&'a str, BTreeMap<State, usize>)> {
        let mut sections: Vec<(&str, BTreeMap<State, usize>)> = Vec::new();
        for line in &self.lines {
            if sections.last().is_none_or(|(section, _)| *section != line.section) {
                sections.push((line.section, BTreeMap::new()));
            }
            if let Some((_, counts)) = sections.last_mut() {
                *counts.entry(line.state).or_default() += 1;
            }
        }
        sections
    }
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Statement { level, text, exception, .. } = self.statement;
        write!(out, "{} {}: {text}", self.number, level.word())?;
        exception.iter().try_for_each(|reason| write!(out, " ({reason})"))
    }
}

/// The figures by section.
impl fmt::Display for Coverage<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:<28}", self.standard.title)?;
        State::ALL.iter().try_for_each(|state| write!(out, "{:>11}", state.word()))?;
        let mut total = BTreeMap::new();
        for (section, counts) in self.counts() {
            row(out, section, &counts)?;
            for (state, count) in counts {
                *total.entry(state).or_default() += count;
            }
        }
        row(out, &format!("all {}", self.lines.len()), &total)?;
        writeln!(out)
    }
}

fn row(out: &mut fmt::Formatter<'_>, name: &str, counts: &BTreeMap<State, usize>) -> fmt::Result {
    write!(out, "\n{name:<28}")?;
    State::ALL.iter().try_for_each(|state| match counts.get(state) {
        Some(count) => write!(out, "{count:>11}"),
        None => write!(out, "{:>11}", "-"),
    })
}
