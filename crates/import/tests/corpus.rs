//! The inputs of the fuzz targets, in every run.

#[cfg(test)]
mod tests {
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
    fn blocks_of_copy() {
        replay("import_copy", import::probe::copy);
    }

    #[test]
    fn lines_of_points() {
        replay("import_lines", import::probe::lines);
    }
}
