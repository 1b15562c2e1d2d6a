use std::collections::BTreeMap;

use expect_test::expect;

use super::{JitterPlan, jitter};

#[test]
fn four_values_a_minute_never_quite_regular() {
    let folder = tempfile::tempdir().unwrap();
    let plan = JitterPlan { devices: 3, hours: 2, seed: 42, out: folder.path().to_owned() };
    let jittered = jitter(&plan).unwrap();
    let points = std::fs::read_to_string(folder.path().join("points.lp")).unwrap();
    let rows = std::fs::read_to_string(folder.path().join("nodes.csv")).unwrap();
    assert_eq!((jittered.values, points.lines().count(), rows.lines().count()), (1_440, 360, 360));
    let mut times: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for line in points.lines() {
        let (device, rest) = line.split_once(' ').unwrap();
        times.entry(device).or_default().push(rest.rsplit_once(' ').unwrap().1.parse().unwrap());
    }
    for times in times.into_values() {
        let steps: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(steps.iter().all(|step| (58_000..=62_000).contains(step)), "{steps:?}");
        assert!(steps.iter().any(|step| *step != steps[0]));
    }
    let head = [&points, &rows].map(|text| text.lines().next().unwrap_or_default()).join("\n");
    expect![[r#"
        node,device=node0 temperature=26.4,humidity=52.8,pressure=1014.7,battery=3.41 1451606443568
        2016-01-01T00:00:43.568Z,node0,26.4,52.8,1014.7,3.41"#]]
    .assert_eq(&head);
}
