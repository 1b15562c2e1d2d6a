//! Replays what is kept in `fuzz/corpus`.

#[cfg(test)]
#[path = "../probe/exchange.rs"]
mod probe;

#[cfg(test)]
mod corpus {
    use std::path::Path;

    #[test]
    fn every_kept_exchange_proves_nothing() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/scram");
        let mut inputs = 0;
        for entry in std::fs::read_dir(&folder).unwrap() {
            crate::probe::probe(&std::fs::read(entry.unwrap().path()).unwrap());
            inputs += 1;
        }
        assert!(inputs > 0, "{} holds inputs", folder.display());
    }
}
