use std::collections::BTreeSet;
use std::path::Path;

use expect_test::expect;

use super::super::Scale;
use super::{GeneratePlan, generate};

const SCALE: Scale = Scale { trucks: 5, hours: 1, seed: 42 };

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap()
}

fn head(text: &str) -> String {
    text.lines().take(4).flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn the_files_begin_like_this() {
    let folder = tempfile::tempdir().unwrap();
    generate(&GeneratePlan { scale: SCALE, out: folder.path().to_owned() }).unwrap();
    let names = ["points.lp", "readings.csv", "diagnostics.csv", "trucks.csv"];
    let heads: String = names.map(|name| head(&read(folder.path(), name))).concat();
    expect![[r#"
        readings,name=truck_0,fleet=North,driver=Seth,model=G-2000,device_version=v1.0,load_capacity=5000,fuel_capacity=300,nominal_fuel_consumption=19 latitude=68.26234,longitude=78.38902,elevation=199,velocity=0,heading=322,grade=0,fuel_consumption=25 1451606400
        readings,name=truck_1,fleet=East,driver=Albert,model=H-2,device_version=v2.0,load_capacity=1500,fuel_capacity=150,nominal_fuel_consumption=12 latitude=43.80148,longitude=71.48478,elevation=147,velocity=0,heading=353,grade=0,fuel_consumption=25 1451606400
        readings,name=truck_2,fleet=North,driver=Seth,model=F-150,device_version=v1.5,load_capacity=2000,fuel_capacity=200,nominal_fuel_consumption=15 latitude=57.61161,longitude=52.38698,elevation=269,velocity=0,heading=49,grade=0,fuel_consumption=25 1451606400
        readings,name=truck_3,fleet=South,driver=Seth,model=F-150,device_version=v2.0,load_capacity=2000,fuel_capacity=200,nominal_fuel_consumption=15 latitude=5.62669,longitude=92.00583,elevation=422,heading=236,grade=0,fuel_consumption=25 1451606400
        2016-01-01T00:00:00Z,truck_0,68.26234,78.38902,199,0,322,0,25
        2016-01-01T00:00:00Z,truck_1,43.80148,71.48478,147,0,353,0,25
        2016-01-01T00:00:00Z,truck_2,57.61161,52.38698,269,0,49,0,25
        2016-01-01T00:00:00Z,truck_3,5.62669,92.00583,422,,236,0,25
        2016-01-01T00:00:00Z,truck_0,1,0,0
        2016-01-01T00:00:00Z,truck_1,1,0,0
        2016-01-01T00:00:00Z,truck_2,1,0,0
        2016-01-01T00:00:00Z,truck_3,1,0,0
        name,fleet,driver,model,device_version,load_capacity,fuel_capacity,nominal_fuel_consumption
        truck_0,North,Seth,G-2000,v1.0,5000,300,19
        truck_1,East,Albert,H-2,v2.0,1500,150,12
        truck_2,North,Seth,F-150,v1.5,2000,200,15
    "#]].assert_eq(&heads);
}

#[test]
fn all_files_hold_the_same_rows_and_as_many_as_were_counted() {
    let folder = tempfile::tempdir().unwrap();
    let plan = GeneratePlan { scale: SCALE, out: folder.path().to_owned() };
    let generated = generate(&plan).unwrap();
    let [points, restored, readings, diagnostics] =
        ["points.lp", "points-restored.lp", "readings.csv", "diagnostics.csv"]
            .map(|name| read(folder.path(), name));
    let rows = |text: &str| u64::try_from(text.lines().count()).unwrap();
    assert_eq!(rows(&points), generated.rows());
    assert_eq!(rows(&restored), generated.rows());
    assert_eq!(rows(&readings), generated.readings_rows);
    assert_eq!(rows(&diagnostics), generated.diagnostics_rows);
    let mut values = 0;
    let mut distinct = BTreeSet::new();
    for line in points.lines() {
        let [tags, fields, time] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let (table, tags) = tags.split_once(',').unwrap();
        let name = tags.split(',').find(|tag| tag.starts_with("name="));
        for field in fields.split(',') {
            values += 1;
            let field = field.split_once('=').unwrap().0;
            distinct.insert((table, name, field, time));
        }
    }
    assert_eq!(values, generated.values);
    assert_eq!(u64::try_from(distinct.len()).unwrap(), generated.distinct_values);
    assert!(!points.lines().all(|line| line.contains(",name=truck_")), "no name was ever lost");
    assert!(restored.lines().all(|line| line.contains(",fleet=")));
}
