use serde_json::json;

use super::*;

#[test]
fn people_are_told_what_is_left() {
    let check = |device, told: Value, wanted: &str| assert_eq!(shown(device, &told), wanted);
    check(
        Some("barn\u{1b}"),
        json!({ "position": 7, "state": "in memory", "raw_messages": true }),
        "barn\\u{1b} erased at 7: the snapshot and memory are still to be written; \
         messages as they came leave the journal with journal.keep-age",
    );
    let rewriting = |files: Value, bad: u64| json!({ "position": 7, "state": "rewriting", "files": files, "unreadable": bad });
    check(None, rewriting(Value::Null, 0), "erased at 7: files are still to be looked at");
    check(None, rewriting(json!(3), 0), "erased at 7: 3 files are still to be looked at");
    check(
        None,
        rewriting(json!(3), 1),
        "erased at 7: 3 files are left, 1 in days that cannot be read",
    );
    check(
        None,
        json!({ "position": 7, "state": "leaving", "leaving": 2 }),
        "erased at 7: 2 replaced files wait for history.linger",
    );
    check(
        None,
        json!({ "position": 7, "state": "done" }),
        "erased at 7: nothing is left in tables and snapshots",
    );
}
