//! What Explore offers: the signals of all devices whose last value is a number.

use console::{Choices, Named, Search};
use history::Series;

use super::Pages;

pub(super) fn choices(pages: &Pages, search: &Search) -> Choices {
    let view = pages.view();
    let series = view.series();
    let ids: Vec<_> = series.iter().map(|series| series.id).collect();
    let latest = view.latest_of(&ids);
    let named = |(series, latest): (&'_ Series, _)| -> Option<(Series, model::Timestamp)> {
        let latest: history::Latest = latest?;
        latest.value.number()?;
        Some((series.clone(), latest.time))
    };
    let numbers: Vec<_> = series.iter().zip(latest).filter_map(named).collect();
    let each = numbers.iter().map(|(series, last)| Named {
        device: &series.device,
        signal: &series.signal,
        unit: series.unit.map(|unit| unit.print()),
        last: *last,
    });
    Choices::of(search, each)
}
