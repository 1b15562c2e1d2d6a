use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{make, names};

fn put(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut packed = GzEncoder::new(std::fs::File::create(path).unwrap(), Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    packed.finish().unwrap();
}

#[test]
fn numbers_are_copied_and_gaps_texts_and_second_rows_are_not() {
    let data = tempfile::tempdir().unwrap();
    let head = "\"No\",\"year\",\"month\",\"day\",\"hour\",\"PM2.5\",\"TEMP\",\"wd\",\"station\"\n";
    let rows = "1,2013,3,1,0,4,-0.7,NNW,A\n2,2013,3,1,1,NA,1.5,N,A\n3,2013,3,1,1,9,9,N,A\n";
    put(&data.path().join("beijing-air/a.csv.gz"), &format!("{head}{rows}"));
    put(&data.path().join("beijing-air/b.csv.gz"), &format!("{head}1,2013,3,1,0,7,2,N,B\n"));
    put(&data.path().join("other/c.csv.gz"), "x\n");
    assert_eq!(names(data.path()), ["beijing-air"]);
    let out = tempfile::tempdir().unwrap();
    let set = make("beijing-air", data.path(), out.path()).unwrap();
    assert_eq!(set.values, 5);
    assert_eq!(set.tables[0].columns, ["pm2_5", "temp"]);
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    assert_eq!(
        read(&set.tables[0].rows),
        "2013-03-01T00:00:00Z,beijing-air0,4,-0.7\n2013-03-01T01:00:00Z,beijing-air0,,1.5\n\
         2013-03-01T00:00:00Z,beijing-air1,7,2\n"
    );
    assert_eq!(
        read(&set.points),
        "air,device=beijing-air0 pm2_5=4,temp=-0.7 1362096000\n\
         air,device=beijing-air0 temp=1.5 1362099600\nair,device=beijing-air1 pm2_5=7,temp=2 1362096000\n"
    );
}

#[test]
fn a_time_that_is_none_is_told_with_its_file() {
    let data = tempfile::tempdir().unwrap();
    put(&data.path().join("ett/a.csv.gz"), "date,OT\nyesterday,1\n");
    let out = tempfile::tempdir().unwrap();
    let fault = format!("{:#}", make("ett", data.path(), out.path()).unwrap_err());
    assert!(fault.contains("a.csv.gz") && fault.contains("yesterday"), "{fault}");
}
