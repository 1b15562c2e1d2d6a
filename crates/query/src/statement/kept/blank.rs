//! A plan without its tables.

use std::any::Any;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DataFusionError, TableReference};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::logical_expr::{LogicalPlan, TableScan, TableSource};

use crate::partial::{Partials, Recipe};
use crate::site::{Tables, is_own};
use crate::statement::{CATALOG, SCHEMA};

/// Everything of a plan that holds for every snapshot.
#[derive(Debug)]
pub(super) struct Blank(LogicalPlan);

/// What stands in a scan instead of a table.
#[derive(Debug)]
struct Place {
    /// Of the scan.
    schema: SchemaRef,
    /// Of the table of this name, from which all filters, types and columns were planned.
    read: SchemaRef,
    table: TableReference,
    /// How its readings are folded, if they are.
    recipe: Option<Recipe>,
}

impl TableSource for Place {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

impl Blank {
    /// `None` when something else than tables of the site is read.
    pub(super) fn of(plan: &LogicalPlan) -> Option<Self> {
        let mut own = true;
        let blank = replace(plan, |scan| {
            let place = Place::of(scan);
            own &= place.is_some();
            Ok(place.map(|place| Arc::new(place) as _))
        });
        blank.ok().filter(|_| own).map(Self)
    }

    /// The plan over the tables of a moment. `None` when one is gone or has other columns.
    ///
    /// # Errors
    /// When a table cannot be made.
    pub(super) fn fill(&self, tables: &Tables) -> Result<Option<LogicalPlan>, DataFusionError> {
        let mut same = true;
        let plan = replace(&self.0, |scan| {
            let place = scan.source.downcast_ref::<Place>();
            let table = place.map_or(Ok(None), |place| place.table(tables))?;
            same &= table.is_some();
            Ok(table.map(provider_as_source))
        })?;
        Ok(same.then_some(plan))
    }
}

impl Place {
    fn of(scan: &TableScan) -> Option<Self> {
        let provider = source_as_provider(&scan.source).ok()?;
        let partials = (&*provider as &dyn Any).downcast_ref::<Partials>();
        let (table, read) = match partials {
            Some(partials) => (&partials.recipe().table, Arc::clone(partials.read())),
            None => (&scan.table_name, provider.schema()),
        };
        own_name(table).filter(|name| partials.is_some() || is_own(&*provider, name))?;
        let recipe = partials.map(|partials| partials.recipe().clone());
        Some(Self { schema: provider.schema(), read, table: table.clone(), recipe })
    }

    fn table(&self, tables: &Tables) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        let table = own_name(&self.table).map_or(Ok(None), |name| tables.get(name))?;
        let Some(table) = table.filter(|table| table.schema() == self.read) else {
            return Ok(None);
        };
        Ok(match &self.recipe {
            None => Some(table),
            Some(recipe) => {
                Partials::of(recipe.clone(), &*table).map(|partials| Arc::new(partials) as _)
            }
        })
    }
}

/// The name of a table of the site, as it may be written.
fn own_name(table: &TableReference) -> Option<&str> {
    let own = table.catalog().is_none_or(|catalog| catalog == CATALOG)
        && table.schema().is_none_or(|schema| schema == SCHEMA);
    own.then(|| table.table())
}

/// Puts other sources into all scans; one for which there is none stays as it is.
fn replace(
    plan: &LogicalPlan,
    mut source: impl FnMut(&TableScan) -> Result<Option<Arc<dyn TableSource>>, DataFusionError>,
) -> Result<LogicalPlan, DataFusionError> {
    let replaced = plan.clone().transform_down_with_subqueries(|node| {
        let LogicalPlan::TableScan(mut scan) = node else { return Ok(Transformed::no(node)) };
        let source = source(&scan)?;
        let changed = source.is_some();
        scan.source = source.unwrap_or_else(|| Arc::clone(&scan.source));
        Ok(Transformed::new_transformed(LogicalPlan::TableScan(scan), changed))
    })?;
    Ok(replaced.data)
}
