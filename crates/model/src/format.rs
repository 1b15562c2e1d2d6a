//! What is on disk has a version: which one was found, and which ones this program reads.

/// A format of something on disk, as it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    pub what: &'static str,
    /// `None`: there is no version to be read, because it is damaged or something else.
    pub found: Option<u64>,
    /// The oldest version that this program reads.
    pub oldest: u64,
    /// The version that this program writes.
    pub newest: u64,
}

/// Whether a program can go on with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// As this program writes it.
    Same,
    /// It is read, and written anew in the newer version.
    Older,
    /// It is older than what this program still reads.
    TooOld,
    /// A newer program wrote it.
    Newer,
    Unreadable,
}

impl Format {
    #[must_use]
    pub const fn fit(&self) -> Fit {
        match self.found {
            None => Fit::Unreadable,
            Some(found) if found > self.newest => Fit::Newer,
            Some(found) if found < self.oldest => Fit::TooOld,
            Some(found) if found < self.newest => Fit::Older,
            Some(_) => Fit::Same,
        }
    }
}

impl Fit {
    /// The program starts with it.
    #[must_use]
    pub const fn opens(self) -> bool {
        matches!(self, Self::Same | Self::Older)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_between_oldest_and_newest_are_read() {
        let fit = |found| Format { what: "x", found, oldest: 2, newest: 4 }.fit();
        let found = [Some(1), Some(2), Some(3), Some(4), Some(5), None].map(fit);
        let wanted = [Fit::TooOld, Fit::Older, Fit::Older, Fit::Same, Fit::Newer, Fit::Unreadable];
        assert_eq!(found, wanted);
        assert_eq!(found.map(Fit::opens), [false, true, true, true, false, false]);
    }
}
