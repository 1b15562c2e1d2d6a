//! The inputs of the fuzz targets, in every run.

#[cfg(test)]
mod corpus {
    use std::path::Path;

    #[track_caller]
    fn replay(target: &str, probe: fn(&[u8])) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
        let mut count = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            probe(&std::fs::read(entry.unwrap().path()).unwrap());
            count += 1;
        }
        assert!(count > 0, "no corpus of {target}");
    }

    #[test]
    fn every_websocket_of_the_corpus_is_survived() {
        replay("websocket", edge::probe::websocket);
    }

    #[test]
    fn every_proxy_header_of_the_corpus_is_survived() {
        replay("proxy_header", edge::probe::proxy);
    }
}
