use super::*;

fn file(kind: Kind, name: &str, more: &[(&str, &str)]) -> Arc<ColdFile> {
    let tags = [
        ("late", "false"),
        ("position", "7"),
        ("time_min", "0"),
        ("time_max", "0"),
        ("tail", "0"),
        ("tail_crc32c", "0"),
    ];
    let all = tags.iter().chain(more);
    let add = Add {
        path: format!("day=2026-11-25/{name}"),
        partition_values: BTreeMap::from([("day".to_owned(), "2026-11-25".to_owned())]),
        size: 1,
        modification_time: 0,
        data_change: true,
        stats: String::new(),
        tags: all.map(|(name, value)| (format!("althing.{name}"), (*value).to_owned())).collect(),
    };
    Arc::new(ColdFile::from_add(kind, &add).unwrap())
}

/// They may have rows of readings that left among the others, so they are made again.
#[test]
fn hours_of_older_versions_stand_for_nothing() {
    let readings = [file(Kind::Readings, "part-7.parquet", &[])];
    let hours = |more: &[(&str, &str)]| {
        let tags = [&[("cover", "part-7.parquet"), ("left", "false")], more].concat();
        file(Kind::Hours, "part-7-h1.parquet", &tags)
    };
    let covers =
        |hours: &ColdFile| hours.origin.as_ref().is_some_and(|origin| origin.covers(&readings));
    let (made, carried) = (hours(&[("carried", "false")]), hours(&[("carried", "true")]));
    assert!(covers(&made) && !made.is_carried());
    assert!(covers(&carried) && carried.is_carried());
    assert!(!covers(&hours(&[])));
}
