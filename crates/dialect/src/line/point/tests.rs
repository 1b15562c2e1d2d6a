use super::{Field, Point, is_point, starts_with_point};

fn point(line: &str) -> Point<'_> {
    let mut point = Point::default();
    assert!(point.read("before,a=b c=1 5"));
    assert!(point.read(line), "{line}");
    point
}

#[test]
fn a_line_has_measurement_tags_fields_and_time() {
    let read = point(
        "weather,station=nord,zone=a\\ b temperature=21.5,ok=t,n=3i,note=\"a, \\\"b\\\"\" 17",
    );
    assert_eq!(read.measurement, "weather");
    let tags: Vec<(&str, &str)> = read.tags.iter().map(|(tag, value)| (&**tag, &**value)).collect();
    assert_eq!(tags, [("station", "nord"), ("zone", "a b")]);
    let fields = [
        ("temperature", Field::Number(21.5)),
        ("ok", Field::Boolean(true)),
        ("n", Field::Number(3.0)),
        ("note", Field::Text("a, \"b\"".into())),
    ];
    assert_eq!(read.fields, fields.map(|(name, field)| (name.into(), field)));
    assert_eq!(read.time, Some("17"));
    assert_eq!(point("m v=1").time, None);
    assert_eq!(point("m v=-1e3 -5").time, Some("-5"));
    assert_eq!(point("a\\,b\\ c,t\\=u=v f\\ g=1").tags[0].0, "t=u");
}

#[test]
fn what_is_no_point_is_refused() {
    for line in [
        "",
        "21.5",
        "word",
        "two words",
        "a b c",
        "m",
        "m v",
        "m v=",
        "m =1",
        "m v=x",
        "m v=nan",
        "m v=inf",
        "m,t v=1",
        "m,=a v=1",
        "m v=1 soon",
        "m v=\"open",
        "m v=1,",
        "m v=1i2",
        "m v=i",
        ",t=a v=1",
        "m v=1 123456789012345678901",
    ] {
        assert!(!is_point(line) && !Point::default().read(line), "{line}");
    }
}

#[test]
fn comments_and_empty_lines_come_before_points() {
    assert!(starts_with_point("# told by a program\n\nm v=1"));
    assert!(!starts_with_point("# m v=1"));
    assert!(!starts_with_point("hello\nm v=1"));
}
