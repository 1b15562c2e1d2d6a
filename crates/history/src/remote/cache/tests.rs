use std::sync::Arc;

use bytes::Bytes;

use super::Cache;

fn names() -> (Arc<str>, Arc<str>) {
    ("a".into(), "b".into())
}

#[test]
fn what_was_used_longest_ago_goes_first() {
    let (cache, (a, b)) = (Cache::new(30), names());
    for block in 0..3 {
        cache.keep(&a, block, Bytes::from(vec![0; 10]));
    }
    assert_eq!(cache.find(&a, 0..1).len(), 1);
    cache.keep(&b, 0, Bytes::from(vec![0; 10]));
    assert_eq!(cache.find(&a, 0..3).into_keys().collect::<Vec<_>>(), [0, 2]);
    assert_eq!(cache.find(&b, 0..3).len(), 1);
}

#[test]
fn a_block_that_came_twice_is_counted_once() {
    let (cache, (a, _)) = (Cache::new(20), names());
    for block in [0, 1, 1, 1] {
        cache.keep(&a, block, Bytes::from(vec![0; 10]));
    }
    assert_eq!(cache.find(&a, 0..2).len(), 2);
}

#[test]
fn a_block_larger_than_the_cache_is_not_kept() {
    let (cache, (a, _)) = (Cache::new(5), names());
    cache.keep(&a, 0, Bytes::from(vec![0; 10]));
    assert_eq!(cache.find(&a, 0..1).len(), 0);
}
