//! `tokens.toml` against what it promises: contrast, and marks that no eye mixes up.

use std::collections::BTreeMap;

type Colour = [f64; 3];
type Column = BTreeMap<String, Colour>;

const GROUNDS: [&str; 3] = ["bg", "surface", "sunken"];
const MARKS: [&str; 5] = ["ok", "warn", "crit", "info", "stale"];
/// OKLab distance, times a hundred, below which two marks look alike at ten pixels.
const DISTANCE_MIN: f64 = 8.0;

/// Machado, Oliveira and Fernandes 2009, severity 1, in linear light.
const EYES: [(&str, [[f64; 3]; 3]); 4] = [
    ("normal", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    (
        "protan",
        [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
    ),
    (
        "deutan",
        [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ],
    ),
    (
        "tritan",
        [
            [1.255_528, -0.076_749, -0.178_779],
            [-0.078_411, 0.930_809, 0.147_602],
            [0.004_733, 0.691_367, 0.303_900],
        ],
    ),
];

fn columns() -> BTreeMap<String, Column> {
    let source = include_str!("../../tokens.toml");
    let table: BTreeMap<String, BTreeMap<String, String>> = toml::from_str(source).unwrap();
    let column = |colours: BTreeMap<String, String>| {
        colours.into_iter().map(|(name, colour)| (name, linear(&colour))).collect()
    };
    table.into_iter().map(|(name, colours)| (name, column(colours))).collect()
}

fn linear(hex: &str) -> Colour {
    let part = |at: usize| {
        let value =
            f64::from(u8::from_str_radix(hex.get(at..at + 2).unwrap(), 16).unwrap()) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    [part(1), part(3), part(5)]
}

fn contrast(one: Colour, other: Colour) -> f64 {
    let light = |[r, g, b]: Colour| 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
    let (one, other) = (light(one), light(other));
    one.max(other) / one.min(other)
}

#[track_caller]
fn check(names: &[&str], grounds: &[&str], limit: f64) {
    for (name, column) in columns() {
        for colour in names {
            for ground in grounds {
                let ratio = contrast(column[*colour], column[*ground]);
                assert!(ratio >= limit, "{name}: {colour} on {ground} is {ratio:.2}");
            }
        }
    }
}

#[test]
fn text_can_be_read_on_every_ground() {
    check(&["text"], &GROUNDS, 15.0);
    check(&["text-2"], &GROUNDS, 6.7);
    check(&["text-3"], &GROUNDS, 5.0);
    check(&["accent"], &GROUNDS, 5.3);
    check(&["accent"], &["accent-bg"], 4.5);
    check(&["on-accent"], &["accent"], 4.5);
}

#[test]
fn what_is_no_text_can_be_seen() {
    check(&["edge"], &["bg", "surface"], 3.0);
    check(&MARKS, &["bg", "surface"], 3.0);
    check(&["series-1", "series-2", "series-3"], &["surface"], 3.0);
    check(&["series-4", "series-5", "series-6"], &["surface"], 3.0);
}

#[test]
fn a_badge_can_be_read() {
    for kind in ["ok", "warn", "crit", "info", "plain"] {
        check(&[&format!("{kind}-text")], &[&format!("{kind}-bg")], 6.7);
    }
}

#[test]
fn no_eye_mixes_up_two_marks() {
    for (name, column) in columns() {
        for (eye, matrix) in EYES {
            for (index, one) in MARKS.iter().enumerate() {
                for other in &MARKS[index + 1..] {
                    let seen = |mark: &str| oklab(through(matrix, column[mark]));
                    let (a, b) = (seen(one), seen(other));
                    let square: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
                    let distance = 100.0 * square.sqrt();
                    assert!(distance >= DISTANCE_MIN, "{name}, {eye}: {one}/{other} {distance:.1}");
                }
            }
        }
    }
}

fn through(matrix: [[f64; 3]; 3], colour: Colour) -> Colour {
    matrix.map(|row| {
        row.iter().zip(colour).map(|(part, light)| part * light).sum::<f64>().clamp(0.0, 1.0)
    })
}

fn oklab([r, g, b]: Colour) -> Colour {
    let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
    let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
    let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
    [
        0.210_454_255_3 * l + 0.793_617_785 * m - 0.004_072_046_8 * s,
        1.977_998_495_1 * l - 2.428_592_205 * m + 0.450_593_709_9 * s,
        0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766 * s,
    ]
}

#[test]
fn vendored_files_are_the_ones_that_were_reviewed() {
    let vendor = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("vendor");
    let table: toml::Table =
        std::fs::read_to_string(vendor.join("VENDOR.toml")).unwrap().parse().unwrap();
    for part in table["file"].as_array().unwrap() {
        for file in part["files"].as_array().unwrap() {
            let bytes = std::fs::read(vendor.join(file["path"].as_str().unwrap())).unwrap();
            let hash = blake3::hash(&bytes).to_hex();
            assert_eq!(file["blake3"].as_str().unwrap(), hash.as_str());
        }
    }
}
