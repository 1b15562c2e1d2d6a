//! What fuzzing has kept is replayed in every run.

#[cfg(test)]
mod corpus {
    use std::path::Path;

    use journal::mem::{hostile_segment, with_right_checksums};

    fn input(name: &str) -> Vec<u8> {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/journal_frame");
        std::fs::read(corpus.join(name)).unwrap()
    }

    #[test]
    fn every_input_of_the_corpus_is_survived() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/journal_frame");
        let mut replayed = 0;
        for entry in std::fs::read_dir(corpus).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            let _records = hostile_segment(&bytes);
            let _records = hostile_segment(&with_right_checksums(&bytes));
            replayed += 1;
        }
        assert!(replayed >= 8, "only {replayed} inputs");
    }

    #[test]
    fn the_inputs_are_what_their_names_say() {
        let records = |name| hostile_segment(&input(name));
        assert_eq!(records("whole"), Some(3));
        assert_eq!(records("header-only"), Some(0));
        assert_eq!(records("cut-in-frame"), Some(2));
        assert_eq!(records("damaged-first"), Some(0));
        assert_eq!(records("torn-last"), Some(2));
        assert_eq!(records("newer"), None);
        // With its own checksum it is any damage; with the right one it is damage by its position.
        assert_eq!(hostile_segment(&with_right_checksums(&input("last-position"))), Some(0));
    }
}
