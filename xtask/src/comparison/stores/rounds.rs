//! One query: what all stores answer, and then, in turn, how long it takes them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::one_line;
use super::answers::{difference, sorted};
use super::{Answer, Asker, Question, Server, Store};

/// A store that can be asked.
#[derive(Debug)]
pub(in crate::comparison) struct Player {
    pub store: Store,
    pub asker: Asker,
    /// It ends after whoever asks it.
    pub _server: Option<Server>,
}

/// What each store is asked, once for each set of parameters. Who is not there has no words for it.
pub(in crate::comparison) type Questions = BTreeMap<Store, Vec<Question>>;

/// One store in one query.
#[derive(Clone, Debug, Default)]
pub(in crate::comparison) struct Cell {
    pub seconds: Vec<f64>,
    /// Of the store, of all rounds together.
    pub cpu: f64,
    /// It has no words for this query.
    pub cannot: bool,
    pub fault: Option<String>,
}

#[derive(Clone, Debug)]
pub(in crate::comparison) struct Row {
    pub name: String,
    /// In the answers to all draws.
    pub rows: usize,
    pub draws: usize,
    pub cells: BTreeMap<Store, Cell>,
    pub differences: Vec<String>,
}

impl Row {
    /// Of stores that are ours.
    pub(in crate::comparison) fn we_failed(&self) -> bool {
        let ours = self.cells.iter().filter(|(store, _)| store.is_ours());
        ours.into_iter().any(|(_, cell)| cell.fault.is_some() || cell.seconds.is_empty())
    }
}

pub(in crate::comparison) fn play(
    name: &str,
    rounds: u32,
    players: &mut [Player],
    questions: &Questions,
) -> Row {
    let cell = |player: &Player| {
        let cannot = !questions.contains_key(&player.store);
        (player.store, Cell { cannot, ..Cell::default() })
    };
    let mut row = Row {
        name: name.to_owned(),
        rows: 0,
        draws: questions.values().map(Vec::len).max().unwrap_or_default(),
        cells: players.iter().map(cell).collect(),
        differences: Vec::new(),
    };
    compare(&mut row, players, questions);
    if row.differences.is_empty() {
        for _ in 0..rounds {
            measure(&mut row, players, questions);
        }
    }
    row
}

/// Asks everybody once, which warms them as well.
fn compare(row: &mut Row, players: &mut [Player], questions: &Questions) {
    for draw in 0..row.draws {
        let mut first: Option<(Store, Vec<Vec<Value>>)> = None;
        for player in players.iter_mut() {
            let Some(answer) = ask(row, player, questions, draw) else { continue };
            let rows = sorted(answer.rows);
            match &first {
                None => {
                    row.rows += rows.len();
                    first = Some((player.store, rows));
                }
                Some((store, expected)) => {
                    if let Some(words) = difference(expected, &rows) {
                        let names = (store.name(), player.store.name());
                        row.differences.push(format!("{} and {}: {words}", names.0, names.1));
                    }
                }
            }
        }
    }
}

fn measure(row: &mut Row, players: &mut [Player], questions: &Questions) {
    for draw in 0..row.draws {
        for player in players.iter_mut() {
            let Some(answer) = ask(row, player, questions, draw) else { continue };
            if let Some(cell) = row.cells.get_mut(&player.store) {
                cell.seconds.push(answer.seconds);
                cell.cpu += answer.cpu;
            }
        }
    }
}

/// `None` where there is nothing to ask, or no answer. Who fails is not asked again.
fn ask(row: &mut Row, player: &mut Player, questions: &Questions, draw: usize) -> Option<Answer> {
    let cell = row.cells.get_mut(&player.store)?;
    if cell.fault.is_some() {
        return None;
    }
    let question = questions.get(&player.store)?.get(draw)?;
    match player.asker.ask(question) {
        Ok(answer) => Some(answer),
        Err(fault) => {
            cell.fault = Some(one_line(&fault));
            None
        }
    }
}
