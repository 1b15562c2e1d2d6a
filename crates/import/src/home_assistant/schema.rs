//! Which of the recorder's schemas a database has: columns came and went over the years.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::Connection;

use crate::fault::ImportFault;

#[derive(Debug)]
pub(super) struct Schema {
    /// Of `states`.
    columns: BTreeSet<String>,
    /// Names of entities have a table of their own (since 2023).
    metas: bool,
    /// Attributes have a table of their own (since 2022).
    shared: bool,
    /// There are statistics of hours (since 2021).
    pub(super) statistics: bool,
    /// The column of their time: a number since 2023.
    start: &'static str,
}

impl Schema {
    pub(super) fn read(base: &Connection, path: &Path) -> Result<Self, ImportFault> {
        let columns = |table| columns(base, table).map_err(ImportFault::sqlite(path));
        let states = columns("states")?;
        let unfit = |what| ImportFault::Unfit { path: path.to_owned(), what };
        if !states.contains("state") {
            return Err(unfit("it has no table of states"));
        }
        let statistics = columns("statistics")?;
        let schema = Self {
            metas: states.contains("metadata_id") && !columns("states_meta")?.is_empty(),
            shared: states.contains("attributes_id") && !columns("state_attributes")?.is_empty(),
            statistics: statistics.contains("mean") && !columns("statistics_meta")?.is_empty(),
            start: if statistics.contains("start_ts") { "start_ts" } else { "start" },
            columns: states,
        };
        let timed = ["last_updated", "last_updated_ts"].map(|name| schema.has(name));
        if !timed.contains(&true) || !(schema.metas || schema.has("entity_id")) {
            return Err(unfit("its table of states is none that is known here"));
        }
        Ok(schema)
    }

    fn has(&self, column: &str) -> bool {
        self.columns.contains(column)
    }

    /// Entity and attributes of the newest state of each that says something.
    pub(super) fn classes(&self) -> String {
        let entity = if self.metas { "metadata_id" } else { "entity_id" };
        format!(
            "SELECT {}, {} FROM states s {} WHERE s.state_id IN (SELECT max(state_id) FROM states \
             WHERE state NOT IN ('unknown', 'unavailable', '') GROUP BY {entity})",
            self.entity(),
            self.attributes(),
            self.joins()
        )
    }

    /// Entity, state, time, number of shared attributes, attributes; always in the same order.
    pub(super) fn states(&self) -> String {
        let time = match (self.has("last_updated_ts"), self.has("last_updated")) {
            (true, true) => "coalesce(s.last_updated_ts, s.last_updated)",
            (true, false) => "s.last_updated_ts",
            (false, _) => "s.last_updated",
        };
        let number = if self.shared { "s.attributes_id" } else { "NULL" };
        format!(
            "SELECT {}, s.state, {time}, {number}, {} FROM states s {} ORDER BY s.state_id",
            self.entity(),
            self.attributes(),
            self.joins()
        )
    }

    /// Entity, unit, time, mean, min, max, sum; always in the same order.
    pub(super) fn statistics(&self) -> String {
        format!(
            "SELECT m.statistic_id, m.unit_of_measurement, s.{}, s.mean, s.min, s.max, s.sum \
             FROM statistics s JOIN statistics_meta m ON m.id = s.metadata_id ORDER BY s.id",
            self.start
        )
    }

    fn entity(&self) -> &'static str {
        match (self.metas, self.has("entity_id")) {
            (true, true) => "coalesce(m.entity_id, s.entity_id)",
            (true, false) => "m.entity_id",
            (false, _) => "s.entity_id",
        }
    }

    fn attributes(&self) -> &'static str {
        match (self.shared, self.has("attributes")) {
            (true, true) => "coalesce(a.shared_attrs, s.attributes)",
            (true, false) => "a.shared_attrs",
            (false, true) => "s.attributes",
            (false, false) => "NULL",
        }
    }

    fn joins(&self) -> String {
        let meta = "LEFT JOIN states_meta m ON m.metadata_id = s.metadata_id ";
        let shared = "LEFT JOIN state_attributes a ON a.attributes_id = s.attributes_id ";
        format!("{}{}", if self.metas { meta } else { "" }, if self.shared { shared } else { "" })
    }
}

/// None of a table that is not there.
fn columns(base: &Connection, table: &str) -> rusqlite::Result<BTreeSet<String>> {
    let mut asked = base.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let names = asked.query_map([table], |row| row.get(0))?;
    names.collect()
}
