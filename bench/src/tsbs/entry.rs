//! What one truck says at one time.

/// Of the two tables of the suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Table {
    Readings,
    Diagnostics,
}

impl Table {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Readings => "readings",
            Self::Diagnostics => "diagnostics",
        }
    }

    pub(super) const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Readings => &[
                "latitude",
                "longitude",
                "elevation",
                "velocity",
                "heading",
                "grade",
                "fuel_consumption",
            ],
            Self::Diagnostics => &["fuel_state", "current_load", "status"],
        }
    }

    /// Whether the suite writes a field as an integer.
    pub(super) fn is_whole(self, field: usize) -> bool {
        self == Self::Diagnostics && field == 2
    }
}

/// The name of the truck first.
pub(super) const TAGS: usize = 8;

pub(super) const FIELDS_MAX: usize = 7;

/// One row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) table: Table,
    pub(super) time_s: i64,
    /// From 0 on.
    pub(super) truck: u32,
    /// As many as the table has fields; the rest is 0.
    pub(super) values: [f64; FIELDS_MAX],
    /// A field that was lost on the way.
    pub(super) lost_field: Option<usize>,
    /// A tag that was lost on the way. 0 is the name.
    pub(super) lost_tag: Option<usize>,
}

impl Entry {
    /// Fields that are there, by number.
    pub(super) fn fields(&self) -> impl Iterator<Item = (usize, f64)> {
        let count = self.table.fields().len();
        let there = self.values.iter().copied().enumerate().take(count);
        let lost = self.lost_field;
        there.filter(move |(field, _)| Some(*field) != lost)
    }

    pub(super) fn has_name(&self) -> bool {
        self.lost_tag != Some(0)
    }
}
