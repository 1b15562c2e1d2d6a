//! A physical plan without its moment, so that nothing is planned at all.
//!
//! What is kept is never executed. Each run gets nodes of its own, with the properties of those that
//! are kept: what a node learns or counts while it runs stays with that run, and two can run at once.

use std::sync::Arc;

use datafusion::common::DataFusionError;
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::DynamicFilterPhysicalExpr;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::execution_plan::ChildrenPropertiesMode;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::limit::{GlobalLimitExec, LocalLimitExec};
use datafusion::physical_plan::placeholder_row::PlaceholderRowExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec};
use datafusion::physical_plan::{ExecutionPlan, ReplaceChildrenOptions};

use crate::site::Snapshot;
use crate::source::SiteScan;
use crate::statement::is_little;
use crate::statement::steps::ShortSteps;

type Node = Arc<dyn ExecutionPlan>;

/// Larger plans are made each time. A node takes about a KiB, a scan 4 KiB more for its series: with
/// `PLANS_MAX`, 12 MiB.
const NODES_MAX: usize = 64;
const SCANS_MAX: usize = 8;

/// Its scans are blank.
#[derive(Debug)]
pub(super) struct Ready(Node);

impl Ready {
    /// `None` when a node is of a kind that is not known to run again, or reads what cannot be kept.
    ///
    /// # Errors
    /// When a node cannot be made anew.
    pub(super) fn of(root: &Node) -> Result<Option<Self>, DataFusionError> {
        let (mut known, mut nodes, mut scans) = (true, 0, 0);
        root.apply(|node| {
            known &= is_known(&**node) && !hears_others(&**node)?;
            nodes += 1;
            scans += usize::from(node.is::<SiteScan>());
            Ok(TreeNodeRecursion::Continue)
        })?;
        if !known || nodes > NODES_MAX || scans > SCANS_MAX {
            return Ok(None);
        }
        Ok(anew(root, &|scan| Ok(scan.blank()))?.map(Self))
    }

    /// The plan of a moment; `None` when it would be another: the sizes of tables decide about joins.
    ///
    /// # Errors
    /// When a table cannot be made.
    pub(super) fn at(&self, snapshot: &Arc<Snapshot>) -> Result<Option<Node>, DataFusionError> {
        if !is_little(snapshot) {
            return Ok(None);
        }
        anew(&self.0, &|scan| scan.at(snapshot))
    }
}

/// Nodes without state, and those whose state `anew` leaves behind. Results of scalar subqueries and
/// work tables of recursion are shared between nodes, so their kinds are not here.
fn is_known(node: &dyn ExecutionPlan) -> bool {
    let leaf = node.is::<SiteScan>() || node.is::<PlaceholderRowExec>() || node.is::<EmptyExec>();
    let row_by_row = node.is::<CooperativeExec>()
        || node.is::<FilterExec>()
        || node.is::<ShortSteps>()
        || node.is::<ProjectionExec>()
        || node.is::<UnionExec>()
        || node.is::<CoalescePartitionsExec>()
        || node.is::<GlobalLimitExec>()
        || node.is::<LocalLimitExec>();
    let join =
        node.is::<HashJoinExec>() || node.is::<NestedLoopJoinExec>() || node.is::<CrossJoinExec>();
    let all_rows = node.is::<AggregateExec>()
        || node.is::<SortExec>()
        || node.is::<SortPreservingMergeExec>()
        || node.is::<WindowAggExec>()
        || node.is::<BoundedWindowAggExec>();
    leaf || row_by_row || join || all_rows
}

/// Whether a filter that changes while the plan runs is in the node. A join and a sort have their own,
/// which `over` leaves behind.
fn hears_others(node: &dyn ExecutionPlan) -> Result<bool, DataFusionError> {
    let mut found = false;
    if !node.is::<SortExec>() && !node.is::<HashJoinExec>() {
        node.apply_expressions(&mut |root: &Arc<dyn PhysicalExpr>| {
            root.apply(|part| {
                found |= part.is::<DynamicFilterPhysicalExpr>();
                Ok(TreeNodeRecursion::Continue)
            })
        })?;
    }
    Ok(found)
}

/// The same nodes over other scans; `None` when there is none in place of one.
fn anew(
    node: &Node,
    scan: &dyn Fn(&SiteScan) -> Result<Option<SiteScan>, DataFusionError>,
) -> Result<Option<Node>, DataFusionError> {
    if let Some(leaf) = node.downcast_ref::<SiteScan>() {
        return Ok(scan(leaf)?.map(|leaf| Arc::new(leaf) as Node));
    }
    let old = node.children();
    if old.is_empty() {
        return Ok(Some(Arc::clone(node)));
    }
    let mut children = Vec::with_capacity(old.len());
    for child in old {
        let Some(child) = anew(child, scan)? else { return Ok(None) };
        children.push(child);
    }
    over(node, children).map(Some)
}

/// A node that was never executed. What most kinds learn goes with their children; a join and a sort
/// have to be told.
fn over(node: &Node, children: Vec<Node>) -> Result<Node, DataFusionError> {
    if let Some(join) = node.downcast_ref::<HashJoinExec>() {
        return join.builder().with_new_children(children)?.reset_state().build_exec();
    }
    let same = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep);
    let made = Arc::clone(node).replace_children(children, same)?;
    if made.is::<SortExec>() { made.reset_state() } else { Ok(made) }
}
