//! Citations in source files.

use std::path::PathBuf;

use crate::tidy::{self, Source};

const MARK: &str = "//= ";

/// Behind a citation above a test.
const TEST: &str = "test";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Citation {
    pub(super) standard: String,
    pub(super) number: String,
    pub(super) path: PathBuf,
    pub(super) in_test: bool,
}

/// All citations of a file. A citation of another standard, by the section of a document, is left
/// alone: `//= rfc8259#section-6`.
pub(super) fn of_source(source: &Source, found: &mut Vec<Citation>, faults: &mut Vec<String>) {
    let mut in_test = tidy::is_test(&source.path);
    for (index, line) in source.text.lines().enumerate() {
        in_test |= line.starts_with("#[cfg(test)]") && opens_module(&source.text, index);
        let Some(cited) = line.trim_start().strip_prefix(MARK) else { continue };
        let mut words = cited.split([',', ' ']).filter(|word| !word.is_empty());
        let Some(standard) = words.next().filter(|word| !word.contains('#')) else { continue };
        let mut numbers: Vec<&str> = words.collect();
        let says_test = numbers.last() == Some(&TEST);
        if says_test {
            numbers.pop();
        }
        let place = || format!("{}:{}", source.path.display(), index + 1);
        if says_test != in_test {
            faults.push(format!("{}: the word `test` is for tests, and each of them", place()));
        }
        if numbers.is_empty() {
            faults.push(format!("{}: a citation names a statement", place()));
        }
        found.extend(numbers.into_iter().map(|number| Citation {
            standard: standard.to_owned(),
            number: number.to_owned(),
            path: source.path.clone(),
            in_test,
        }));
    }
}

/// Whether the attribute in this line stands before tests that are written in the same file.
fn opens_module(text: &str, line: usize) -> bool {
    let next = text.lines().nth(line + 1).unwrap_or_default();
    next.starts_with("mod ") && next.ends_with('{')
}
