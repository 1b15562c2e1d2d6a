//! The SQL page: what can be asked, and answers as cells.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Float64Type, Int64Type, SchemaRef, TimestampMicrosecondType, UInt64Type,
};
use console::{Cell, Column, ColumnKind, SiteFault, SqlAnswer, SqlFault, Table};
use edge::Clock;
use futures::future::BoxFuture;
use model::Timestamp;
use query::{Code, Engine, QueryFault};

use super::Pages;

/// Rows that a page shows; the links to CSV and Parquet give all of them.
pub(super) const ROWS_MAX: usize = 1_000;

pub(super) fn schema(pages: &Pages) -> Result<Vec<Table>, SiteFault> {
    let table = |(name, schema): (String, SchemaRef)| Table { name, columns: columns_of(&schema) };
    Ok(pages.engine.tables().into_iter().map(table).collect())
}

pub(super) fn run(
    pages: &Pages,
    statement: &str,
    rows_max: usize,
) -> BoxFuture<'static, Result<SqlAnswer, SqlFault>> {
    let (engine, clock) = (Arc::clone(&pages.engine), pages.clock);
    let statement = statement.to_owned();
    Box::pin(async move { answer(&engine, clock, (&statement, rows_max)).await })
}

async fn answer(
    engine: &Engine,
    clock: Clock,
    (statement, rows_max): (&str, usize),
) -> Result<SqlAnswer, SqlFault> {
    let began = clock.now().moment;
    let mut answer = engine.run(statement).await.map_err(|fault| fault_of(engine, fault))?;
    let columns = columns_of(&answer.schema());
    let mut rows = Vec::new();
    let mut truncated = false;
    while let Some(batch) = answer.next().await.map_err(|fault| fault_of(engine, fault))? {
        for row in 0..batch.num_rows() {
            if rows.len() == rows_max {
                truncated = true;
                break;
            }
            rows.push((0..batch.num_columns()).map(|column| cell(&batch, column, row)).collect());
        }
        if truncated {
            break;
        }
    }
    let took = clock.now().moment.since(began);
    Ok(SqlAnswer { columns, rows, truncated, took })
}

fn columns_of(schema: &SchemaRef) -> Vec<Column> {
    let column = |field: &Arc<arrow::datatypes::Field>| Column {
        name: field.name().clone(),
        kind: kind_of(field.data_type()),
    };
    schema.fields().iter().map(column).collect()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "Arrow has forty types, a page five")]
fn kind_of(data: &DataType) -> ColumnKind {
    if data.is_numeric() {
        return ColumnKind::Number;
    }
    match data {
        DataType::Boolean => ColumnKind::Bool,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => ColumnKind::Text,
        DataType::Dictionary(_, value) => kind_of(value),
        DataType::Timestamp(..) => ColumnKind::Time,
        _ => ColumnKind::Other,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "what has no cell of its own is shown as text")]
fn cell(batch: &RecordBatch, column: usize, row: usize) -> Cell {
    let array = batch.column(column);
    if array.is_null(row) {
        return Cell::Null;
    }
    let one = array.slice(row, 1);
    match one.data_type() {
        DataType::Boolean => Cell::Bool(one.as_boolean().value(0)),
        data if data.is_integer() => integer(&one),
        data if data.is_floating() => number(&one),
        DataType::Timestamp(..) => time(&one),
        _ => text(&one),
    }
}

fn integer(one: &dyn Array) -> Cell {
    if let Ok(cast) = arrow::compute::cast(one, &DataType::Int64)
        && cast.is_valid(0)
    {
        return Cell::Integer(cast.as_primitive::<Int64Type>().value(0));
    }
    match arrow::compute::cast(one, &DataType::UInt64) {
        Ok(cast) if cast.is_valid(0) => {
            Cell::Text(cast.as_primitive::<UInt64Type>().value(0).to_string())
        }
        _ => text(one),
    }
}

fn number(one: &dyn Array) -> Cell {
    match arrow::compute::cast(one, &DataType::Float64) {
        Ok(cast) => Cell::Number(cast.as_primitive::<Float64Type>().value(0)),
        Err(_none) => text(one),
    }
}

fn time(one: &dyn Array) -> Cell {
    let micros = DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, None);
    match arrow::compute::cast(one, &micros) {
        Ok(cast) if cast.is_valid(0) => Cell::Time(Timestamp::from_micros(
            cast.as_primitive::<TimestampMicrosecondType>().value(0),
        )),
        _ => text(one),
    }
}

fn text(one: &dyn Array) -> Cell {
    let options = arrow::util::display::FormatOptions::default();
    let shown = arrow::util::display::ArrayFormatter::try_new(one, &options)
        .map(|formatter| formatter.value(0).to_string());
    Cell::Text(shown.unwrap_or_default())
}

fn fault_of(engine: &Engine, fault: QueryFault) -> SqlFault {
    match fault.code {
        Code::ReadOnly => SqlFault::ReadOnly,
        Code::Time => SqlFault::Stopped { after: engine.limits().time },
        Code::Memory => SqlFault::Memory { bytes: engine.limits().memory_bytes as u64 },
        Code::Invalid | Code::NoTable | Code::NoColumn | Code::Busy | Code::Away => {
            SqlFault::Statement { message: told(&fault) }
        }
        Code::Internal => SqlFault::Site(SiteFault(Box::new(fault))),
    }
}

/// What failed, where, and what to do, in one line.
fn told(fault: &QueryFault) -> String {
    match fault.place {
        Some(place) => {
            format!(
                "Line {}, column {}: {} {}",
                place.line, place.column, fault.message, fault.hint
            )
        }
        None => format!("{} {}", fault.message, fault.hint),
    }
}
