//! What the fuzz targets call and what replays their corpora: any bytes, and what must hold then.
//! An assertion that fails here is a bug of this crate.

use crate::line_file;
use crate::thingsboard::copy::{Header, Row};

/// The first line as the header of a COPY block, all others as its rows.
///
/// # Panics
/// When a row that is accepted has not the cells of its table.
pub fn copy(input: &[u8]) {
    let mut lines = input.split(|byte| *byte == b'\n');
    let Some(header) = lines.next().and_then(Header::parse) else { return };
    assert!(!header.columns.is_empty());
    let mut row = Row::default();
    for line in lines {
        if row.read(line, header.columns.len()).is_ok() {
            let count = header.columns.len();
            assert_eq!(line.split(|byte| *byte == b'\t').count(), count);
            assert!(row.cell(count).is_none());
            let bytes: usize = (0..count).filter_map(|at| row.cell(at)).map(str::len).sum();
            assert!(bytes <= line.len(), "an escape is longer than what it means");
        }
    }
}

/// Each line as one of a file of points.
///
/// # Panics
/// When what is taken for a point is empty or a comment.
pub fn lines(input: &[u8]) {
    for line in input.split(|byte| *byte == b'\n') {
        line_file::check(line);
    }
}
