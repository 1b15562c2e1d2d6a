//! What the process does, for the System page.

use console::{Site as _, System};
use model::Moment;

use super::Pages;

pub(super) fn system(pages: &Pages) -> System {
    let stats = pages.journal.stats();
    let durable = pages.durable();
    let history = pages.horizon.readers().map(|(_, position)| position.get()).min();
    System {
        durable,
        uptime: pages.clock.now().moment.since(Moment::START),
        resident_bytes: api::resident_bytes(),
        commit_p50: stats.commit_p50,
        commit_p99: stats.commit_p99,
        journal: stats.last.get(),
        history: history.unwrap_or(durable.position),
        journal_bytes: stats.disk_bytes,
        disk_full: stats.disk_full,
    }
}
