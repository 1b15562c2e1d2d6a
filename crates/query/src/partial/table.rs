//! The table of partial groups: what a scan of readings is, folded.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, TableReference};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use history::{HoursScan, ReadFault, Scan, SeriesId, Share, column, hour};

use super::cut::Cut;
use super::fold::{Fold, Part};
use super::pieces::Pieces;
use super::sums::Asked;
use super::target::Target;
use crate::prune::{self, Span};
use crate::site::Snapshot;
use crate::source::{self, Batches, Outline};
use crate::table;

/// Which readings.
#[derive(Clone, Debug)]
pub(crate) struct Base {
    pub(crate) snapshot: Arc<Snapshot>,
    /// `None` for all series.
    pub(crate) series: Option<Vec<SeriesId>>,
    /// The columns that filters about series may name.
    pub(crate) keys: &'static [&'static str],
}

/// What is to be folded, in words that hold for every snapshot.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    /// The table whose rows are readings.
    pub(crate) table: TableReference,
    pub(super) asked: Vec<Asked>,
    /// Series and times alone decide them.
    pub(crate) filters: Vec<Expr>,
    pub(super) cut: Option<Cut>,
}

/// A row for each series and bucket, or several of them that are to be put together.
#[derive(Debug)]
pub(crate) struct Partials {
    recipe: Recipe,
    base: Base,
    /// Of the table whose rows are readings.
    read: SchemaRef,
    schema: SchemaRef,
}

impl Partials {
    /// `None` when the table's rows are no readings, or no longer those of the recipe.
    pub(crate) fn of(recipe: Recipe, provider: &dyn TableProvider) -> Option<Self> {
        let base = Target::of(provider)?.base(&recipe.asked)?;
        let column = |part: &Part| (part.name(), part.kind(), part.nullable());
        let columns: Vec<(&str, DataType, bool)> = Part::ALL.iter().map(column).collect();
        Some(Self { recipe, base, read: provider.schema(), schema: table::schema(&columns) })
    }

    pub(crate) const fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// The columns of the table whose rows are readings.
    pub(crate) const fn read(&self) -> &SchemaRef {
        &self.read
    }

    fn series(&self, session: &dyn Session) -> Result<Option<Vec<SeriesId>>, DataFusionError> {
        let names = (&self.base.snapshot.names, self.base.keys);
        let passing = prune::series(session, names, &self.recipe.filters)?;
        Ok(match (&self.base.series, passing) {
            (None, passing) => passing,
            (Some(base), None) => Some(base.clone()),
            (Some(base), Some(passing)) => {
                let both = base.iter().filter(|id| passing.binary_search(id).is_ok());
                Some(both.copied().collect())
            }
        })
    }
}

#[async_trait]
impl TableProvider for Partials {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let wanted = projection.cloned().unwrap_or_else(|| (0..Part::ALL.len()).collect());
        let schema = Arc::new(self.schema.project(&wanted)?);
        let parts: Vec<Part> =
            wanted.iter().filter_map(|index| Part::ALL.get(*index).copied()).collect();
        let reads = |column: &usize| parts.iter().any(|part| part.reads().contains(column));
        let columns = [column::SERIES, column::TIME, column::NUMBER].into_iter().filter(reads);
        let cut = self.recipe.cut.filter(|_| parts.contains(&Part::Bucket));
        let mut scan = Scan {
            series: self.series(session)?,
            columns: Some(columns.collect()),
            ..Scan::default()
        };
        Span::of(&self.recipe.filters).put_into(&mut scan);
        let snapshot = Arc::clone(&self.base.snapshot);
        let pieces = Pieces::of(&snapshot.view, &scan, cut);
        let told = table::forecast(&snapshot, &scan).told;
        let told = format!("groups of readings{}, {told}", pieces.told());
        let shares = table::shares(session, &snapshot, &scan);
        let reads =
            |column: &usize| parts.iter().any(|part| part.reads_of_hours().contains(column));
        let of_hours: Vec<usize> = (0..hour::COUNT).filter(reads).collect();
        let plan =
            Plan { snapshot, scan, pieces, of_hours, parts, cut, schema: Arc::clone(&schema) };
        let outline = Outline { schema, limit: None, told, shares, size: None };
        Ok(source::plan(outline, move |_: &TaskContext, share| plan.begin(share)))
    }
}

#[derive(Clone, Debug)]
struct Plan {
    snapshot: Arc<Snapshot>,
    scan: Scan,
    pieces: Pieces,
    /// The columns that are read of hours.
    of_hours: Vec<usize>,
    parts: Vec<Part>,
    cut: Option<Cut>,
    schema: SchemaRef,
}

/// Rows of one of the two tables.
enum Rows {
    OfHours(RecordBatch),
    OfReadings(RecordBatch),
}

impl Plan {
    fn begin(&self, share: Share) -> Result<Batches, DataFusionError> {
        let plan = self.clone();
        let reads = plan.scan.columns.clone().unwrap_or_default();
        let mut fold = Fold::new(reads, plan.cut, plan.snapshot.view.series_count());
        let mut rows = plan.rows(share)?;
        let mut ended = false;
        Ok(Box::new(std::iter::from_fn(move || {
            while !ended && !fold.is_full() {
                match rows.next() {
                    Some(Ok(rows)) => plan.fold(&mut fold, &rows),
                    Some(Err(fault)) => {
                        ended = true;
                        return Some(Err(table::unreadable(fault)));
                    }
                    None => ended = true,
                }
            }
            let groups = plan.groups(&mut fold);
            groups.as_ref().map_or(true, |batch| batch.num_rows() > 0).then_some(groups)
        })))
    }

    fn rows(
        &self,
        share: Share,
    ) -> Result<impl Iterator<Item = Result<Rows, ReadFault>> + use<>, DataFusionError> {
        let mut hours = Vec::new();
        // Few rows: one share reads them all.
        for (from, to) in self.pieces.hours.iter().filter(|_| share.number == 0) {
            let scan = HoursScan {
                series: self.scan.series.clone(),
                from: *from,
                to: *to,
                columns: Some(self.of_hours.clone()),
                only_usable: true,
            };
            hours.push(self.snapshot.view.scan_hours(&scan).map_err(table::unreadable)?);
        }
        let mut readings = Vec::new();
        for (from, to) in &self.pieces.readings {
            let scan = Scan { from: *from, to: *to, share: Some(share), ..self.scan.clone() };
            readings.push(self.snapshot.view.scan(&scan).map_err(table::unreadable)?);
        }
        let hours = hours.into_iter().flatten().map(|rows| rows.map(Rows::OfHours));
        Ok(hours.chain(readings.into_iter().flatten().map(|rows| rows.map(Rows::OfReadings))))
    }

    fn fold(&self, fold: &mut Fold, rows: &Rows) {
        let (Rows::OfHours(batch) | Rows::OfReadings(batch)) = rows;
        self.snapshot.work.add_rows(batch.num_rows());
        match rows {
            Rows::OfHours(batch) => fold.take_hours(batch, &self.of_hours),
            Rows::OfReadings(batch) => fold.take(batch),
        }
    }

    fn groups(&self, fold: &mut Fold) -> Result<RecordBatch, DataFusionError> {
        let (rows, columns) = fold.finish(&self.parts, &self.snapshot.names)?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }
}
