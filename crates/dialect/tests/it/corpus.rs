//! What fuzzing found worth keeping, once more in every run.

use std::fs;
use std::path::Path;

fn replay(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut seen = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        run(&fs::read(entry.unwrap().path()).unwrap());
        seen += 1;
    }
    assert!(seen > 0, "{folder:?} is empty");
}

#[test]
fn messages() {
    replay("dialect_read", dialect::probe::read);
}

#[test]
fn documents() {
    replay("json", dialect::probe::json);
}
