//! PostgreSQL's text form of COPY, as `pg_dump` writes it.

/// Columns of a table: PostgreSQL itself has no more.
const COLUMNS_MAX: usize = 1_600;

/// `COPY public.ts_kv (entity_id, key, ts) FROM stdin;`
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Without its schema.
    pub(crate) table: String,
    pub(crate) columns: Vec<String>,
}

impl Header {
    /// `None` for any other line.
    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        let line = std::str::from_utf8(line).ok()?;
        let rest = line.strip_prefix("COPY ")?;
        let (name, rest) = name(rest)?;
        let (table, rest) = match rest.strip_prefix('.') {
            Some(rest) => self::name(rest)?,
            None => (name, rest),
        };
        let mut rest = rest.trim_start().strip_prefix('(')?;
        let mut columns = Vec::new();
        loop {
            let (column, after) = self::name(rest.trim_start())?;
            if columns.len() == COLUMNS_MAX {
                return None;
            }
            columns.push(column);
            let after = after.trim_start();
            match after.strip_prefix(',') {
                Some(more) => rest = more,
                None => {
                    let end = after.strip_prefix(')')?.trim();
                    return end.starts_with("FROM stdin").then_some(Self { table, columns });
                }
            }
        }
    }

    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }
}

/// A name, in quotes or not, and what follows.
fn name(text: &str) -> Option<(String, &str)> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let end = text.find(|letter: char| !letter.is_alphanumeric() && letter != '_')?;
        let (name, rest) = text.split_at_checked(end)?;
        return (!name.is_empty()).then(|| (name.to_owned(), rest));
    };
    let mut name = String::new();
    loop {
        let (part, after) = rest.split_once('"')?;
        name.push_str(part);
        match after.strip_prefix('"') {
            // A quote that is doubled stands for itself.
            Some(more) => {
                name.push('"');
                rest = more;
            }
            None => return Some((name, after)),
        }
    }
}

/// One row, its escapes undone. Used again for the next.
#[derive(Debug, Default)]
pub(crate) struct Row {
    text: String,
    bytes: Vec<u8>,
    /// Where each cell ends in `text`; `None` is NULL.
    cells: Vec<Option<(usize, usize)>>,
}

impl Row {
    /// `None` for NULL, and beyond the last column.
    pub(crate) fn cell(&self, at: usize) -> Option<&str> {
        let (start, end) = self.cells.get(at).copied().flatten()?;
        self.text.get(start..end)
    }

    pub(crate) fn read(&mut self, line: &[u8], columns: usize) -> Result<(), &'static str> {
        self.cells.clear();
        self.bytes.clear();
        for cell in line.split(|byte| *byte == b'\t') {
            if self.cells.len() == columns {
                return Err("a row has more cells than its table has columns");
            }
            if cell == b"\\N" {
                self.cells.push(None);
                continue;
            }
            let start = self.bytes.len();
            unescape(cell, &mut self.bytes);
            self.cells.push(Some((start, self.bytes.len())));
        }
        if self.cells.len() != columns {
            return Err("a row has fewer cells than its table has columns");
        }
        self.text.clear();
        let whole =
            std::str::from_utf8(&self.bytes).map_err(|_fault| "a row is no text in UTF-8")?;
        self.text.push_str(whole);
        Ok(())
    }
}

fn unescape(cell: &[u8], out: &mut Vec<u8>) {
    let mut rest = cell;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'\\' {
            out.push(*byte);
            continue;
        }
        let Some((letter, after)) = rest.split_first() else {
            // At the end of a cell it stands for itself.
            out.push(b'\\');
            return;
        };
        rest = after;
        match letter {
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'v' => out.push(11),
            b'0'..=b'7' => {
                let (value, count) = digits(letter - b'0', rest, (8, 2));
                out.push(value);
                rest = rest.get(count..).unwrap_or_default();
            }
            b'x' if rest.first().is_some_and(u8::is_ascii_hexdigit) => {
                let (value, count) = digits(0, rest, (16, 2));
                out.push(value);
                rest = rest.get(count..).unwrap_or_default();
            }
            other => out.push(*other),
        }
    }
}

/// Up to so many further digits of a byte, and how many there were.
fn digits(first: u8, rest: &[u8], (base, most): (u8, usize)) -> (u8, usize) {
    let digit = |byte: &u8| char::from(*byte).to_digit(u32::from(base));
    let found: Vec<u8> =
        rest.iter().take(most).map_while(digit).filter_map(|it| u8::try_from(it).ok()).collect();
    let value = found.iter().fold(first, |sum, digit| sum.wrapping_mul(base).wrapping_add(*digit));
    (value, found.len())
}

#[cfg(test)]
mod tests;
