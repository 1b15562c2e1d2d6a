use history::{Outlook, SeriesId};

use super::{DayCache, KEPT_MAX, Known};

fn silent(series: std::ops::Range<u32>) -> Known {
    series.map(|id| (SeriesId::new(id), None)).collect()
}

fn unknown(cache: &DayCache, key: (i64, Outlook), id: u32) -> bool {
    !cache.find(key, &[SeriesId::new(id)]).1.is_empty()
}

#[test]
fn another_file_of_a_day_forgets_what_was_known_of_it() {
    let cache = DayCache::default();
    let (one, two) =
        (Outlook { files: 1, ..Outlook::default() }, Outlook { files: 2, ..Outlook::default() });
    cache.keep((5, one), &silent(0..2));
    cache.keep((5, one), &silent(2..3));
    assert!(!unknown(&cache, (5, one), 0) && !unknown(&cache, (5, one), 2));
    assert!(unknown(&cache, (5, one), 3) && unknown(&cache, (6, one), 0));
    assert!(unknown(&cache, (5, two), 0));
    cache.keep((5, two), &silent(0..1));
    assert!(unknown(&cache, (5, two), 1) && !unknown(&cache, (5, two), 0));
}

#[test]
fn the_days_that_nobody_asked_for_make_room() {
    let cache = DayCache::default();
    let quarter = u32::try_from(KEPT_MAX / 4).unwrap();
    let key = |day| (day, Outlook::default());
    for day in 0..4 {
        cache.keep(key(day), &silent(0..quarter));
    }
    assert!(!unknown(&cache, key(0), 0), "all have room");
    cache.keep(key(4), &silent(0..1));
    assert_eq!(
        [0, 1, 2, 3, 4].map(|day| unknown(&cache, key(day), 0)),
        [false, true, false, false, false]
    );
    cache.keep(key(5), &silent(0..quarter * 4 + 1));
    assert!(
        unknown(&cache, key(5), 0) && !unknown(&cache, key(0), 0),
        "what fills it alone is not kept"
    );
}
