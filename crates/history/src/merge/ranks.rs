//! Where each series stands in the order of files.

use crate::series::Series;

/// By number of series.
#[derive(Debug)]
pub(crate) struct Ranks {
    places: Vec<Place>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    rank: u32,
    /// The rank of its signal: row groups end with their signal.
    signal: u32,
}

impl Ranks {
    pub(crate) fn new(series: &[Series]) -> Self {
        let mut sorted: Vec<&Series> = series.iter().collect();
        sorted.sort_unstable_by(|a, b| a.rank().cmp(&b.rank()));
        let mut places = vec![Place::default(); series.len()];
        let (mut signal, mut before) = (0, None);
        for (rank, entry) in (0..).zip(sorted) {
            signal += u32::from(before.is_some_and(|name| name != &entry.signal));
            before = Some(&entry.signal);
            if let Some(place) = places.get_mut(entry.id.index()) {
                *place = Place { rank, signal };
            }
        }
        Self { places }
    }

    /// `None` for a series that does not exist.
    pub(crate) fn rank(&self, series: i32) -> Option<u32> {
        self.place(series).map(|place| place.rank)
    }

    pub(crate) fn signal(&self, series: i32) -> u32 {
        self.place(series).unwrap_or_default().signal
    }

    fn place(&self, series: i32) -> Option<Place> {
        self.places.get(usize::try_from(series).ok()?).copied()
    }
}
