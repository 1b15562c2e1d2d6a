//! Explore on a real site: every way to draw is a statement that the engine understands, and its
//! numbers are those of the readings.

use crate::site::Running;

const READINGS: [f64; 4] = [1.5, 8.0, 2.5, 4.0];

/// The numbers of a column, of the span itself and not of the one that it is compared with.
fn column(csv: &str, name: &str) -> Vec<f64> {
    let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let heads = lines.next().unwrap();
    let place = heads.iter().position(|head| *head == name).unwrap_or_else(|| panic!("{csv}"));
    let now = lines.filter(|row| row.last() != Some(&"before"));
    now.map(|row| row[place].parse().unwrap()).collect()
}

#[test]
fn every_way_to_draw_gives_the_numbers_of_the_readings() {
    let data = tempfile::tempdir().unwrap();
    let site = Running::start(data.path());
    for value in READINGS {
        site.publish("farm/o'hara", &format!("{{\"t\":{value}}}"));
    }
    let chosen = "signal=t&device=farm%2Fo%27hara";
    let draws = ["line", "all", "band", "mean", "lowest", "highest", "sum", "last"];
    let others = [("6h", "week"), ("1d", "period"), ("7d", "day")];
    for (draw, (every, compare)) in draws.into_iter().zip(others.into_iter().cycle()) {
        let asked = format!("{chosen}&as={draw}");
        let page = site.get(&format!("/explore?{asked}"));
        assert!(page.contains("role=\"img\""), "{asked}: no chart");
        check(draw, &site.get(&format!("/explore.csv?{asked}")));
        let compared = format!("{chosen}&every={every}&as={draw}&compare={compare}");
        check(draw, &site.get(&format!("/explore.csv?{compared}")));
    }
    let table = site.get(&format!("/explore?{chosen}&as=all&show=table"));
    assert!(READINGS.iter().all(|value| table.contains(&format!(">{value}<"))), "{table}");
    assert_eq!(site.stop(), Some(0));
}

/// Buckets may end between two readings, so that there are several.
fn check(draw: &str, csv: &str) {
    let fold = |name: &str, one: fn(f64, f64) -> f64| column(csv, name).into_iter().reduce(one);
    let (low, high, sum) = (Some(1.5), Some(8.0), Some(16.0));
    match draw {
        "line" | "all" => {
            assert_eq!((fold("value", f64::min), fold("value", f64::max)), (low, high), "{csv}");
            assert_eq!(column(csv, "value").last(), Some(&4.0), "{csv}");
        }
        "band" => {
            assert_eq!((fold("lowest", f64::min), fold("highest", f64::max)), (low, high), "{csv}");
        }
        "lowest" => assert_eq!(fold("lowest", f64::min), low, "{csv}"),
        "highest" => assert_eq!(fold("highest", f64::max), high, "{csv}"),
        "sum" => assert_eq!(fold("sum", |one, other| one + other), sum, "{csv}"),
        "last" => assert_eq!(column(csv, "last").last(), Some(&4.0), "{csv}"),
        _ => {}
    }
    if matches!(draw, "band" | "mean") {
        let weights = column(csv, "readings");
        let total: f64 = column(csv, "mean").iter().zip(&weights).map(|(m, n)| m * n).sum();
        assert!((total - 16.0).abs() < 1e-9, "{csv}");
    }
}
