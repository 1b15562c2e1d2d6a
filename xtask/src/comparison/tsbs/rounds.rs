//! One query: what all stores answer, and then, in turn, how long it takes them.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::Value;

use super::super::one_line;
use super::super::stores::{Answer, Question, Store};
use super::Plan;
use super::answers::{difference, sorted};
use super::draws::Draw;
use super::queries::{Queries, is_drawn, window_s};
use super::stage::Player;
use crate::dice::Dice;

/// One store in one query.
#[derive(Clone, Debug, Default)]
pub(super) struct Cell {
    pub(super) seconds: Vec<f64>,
    /// Of the store, of all rounds together.
    pub(super) cpu: f64,
    /// It has no words for this query.
    pub(super) cannot: bool,
    pub(super) fault: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) name: String,
    /// In the answers to all draws.
    pub(super) rows: usize,
    pub(super) draws: usize,
    pub(super) cells: BTreeMap<Store, Cell>,
    pub(super) differences: Vec<String>,
}

/// # Errors
/// When there is no such query.
pub(super) fn play(plan: &Plan, name: &str, players: &mut [Player]) -> Result<Row> {
    let mut dice = Dice::new(plan.scale.seed ^ u64::from(plan.scale.trucks));
    let draws = if is_drawn(name)? { plan.draws.max(1) } else { 1 };
    let draws: Vec<Draw> =
        (0..draws).map(|_| Draw::new(plan.scale, window_s(name), &mut dice)).collect();
    let mut row = Row {
        name: name.to_owned(),
        rows: 0,
        draws: draws.len(),
        cells: BTreeMap::new(),
        differences: Vec::new(),
    };
    let mut questions = BTreeMap::new();
    for player in players.iter() {
        let queries = Queries::read(player.store)?;
        let asked: Option<Vec<Question>> = draws
            .iter()
            .map(|draw| Some(player.with_labels(queries.question(name, draw)?)))
            .collect();
        let cell = Cell { cannot: asked.is_none(), ..Cell::default() };
        row.cells.insert(player.store, cell);
        questions.insert(player.store, asked.unwrap_or_default());
    }
    compare(&mut row, players, &questions);
    if row.differences.is_empty() {
        for _ in 0..plan.rounds {
            measure(&mut row, players, &questions);
        }
    }
    Ok(row)
}

type Questions = BTreeMap<Store, Vec<Question>>;

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
    match player.asker.as_mut()?.ask(question) {
        Ok(answer) => Some(answer),
        Err(fault) => {
            cell.fault = Some(one_line(&fault));
            None
        }
    }
}

impl Player {
    fn with_labels(&self, mut question: Question) -> Question {
        if !self.stand_in.is_empty() && question.text.contains("labels") {
            question.text = match question.text.strip_prefix("WITH ") {
                Some(rest) => format!("WITH {}, {rest}", self.stand_in),
                None => format!("WITH {} {}", self.stand_in, question.text),
            };
        }
        question
    }
}
