//! A statement that wants too much ends; the next one runs.

use super::*;

const LONG: &str = "SELECT count(*) FROM generate_series(1, 1000000) a, \
                    generate_series(1, 1000000) b WHERE a.value * b.value = 7";

fn limits() -> Limits {
    Limits {
        time: Duration::from_millis(200),
        memory_bytes: 1 << 20,
        concurrent: 1,
        ..Limits::default()
    }
}

#[test]
fn a_cross_join_stops_at_its_time() {
    let site = Site::new(Limits { memory_bytes: 1 << 30, ..limits() });
    let fault = site.answer(LONG, Format::Csv).unwrap_err();
    assert_eq!(fault.code, Code::Time);
    assert_eq!(fault.message, "Stopped after 0.2 s. Nothing was changed.");
}

/// 400 million pairs, none of which is in the answer: the thread has to look at the clock meanwhile.
#[test]
fn a_join_of_all_with_all_gives_its_place_back() {
    let mut site = Site::new(Limits { memory_bytes: 1 << 30, ..limits() });
    let names: Vec<String> = (0..20_000).map(|number| format!("farm/node{number:05}")).collect();
    let rows: Vec<Row<'_>> = names.iter().map(|name| (name.as_str(), "t", 0, 1.0)).collect();
    site.take(&rows);
    for join in ["JOIN latest b ON a.number <= b.number AND", "CROSS JOIN latest b WHERE"] {
        let sql = format!("SELECT a.device FROM latest a {join} a.device || b.device < 'a'");
        assert_eq!(site.answer(&sql, Format::Csv).unwrap_err().code, Code::Time, "{sql}");
        site.runtime.block_on(async {
            while site.engine.running.available_permits() == 0 {
                tokio::task::yield_now().await;
            }
        });
    }
    assert_eq!(site.csv("SELECT count(*) FROM latest"), "count(*)\n20000\n");
}

#[test]
fn memory_has_a_limit_and_is_given_back() {
    let site = Site::new(Limits { time: Duration::from_secs(60), ..limits() });
    let wide = "SELECT value, count(*) FROM generate_series(1, 1000000) GROUP BY 1 LIMIT 1";
    let sorted = "SELECT value FROM generate_series(1, 1000000) ORDER BY value % 1000, value";
    for sql in [wide, sorted] {
        assert_eq!(site.answer(sql, Format::Csv).unwrap_err().code, Code::Memory, "{sql}");
    }
    assert_eq!(site.csv("SELECT 1 AS one"), "one\n1\n");
}

#[test]
fn one_more_statement_than_may_run_is_told_to_wait() {
    let site = Site::new(Limits { time: Duration::from_secs(60), ..limits() });
    site.runtime.block_on(async {
        let first = site.engine.run("SELECT * FROM generate_series(1, 10000000)").await.unwrap();
        let second = site.engine.run("SELECT 1").await.unwrap_err();
        assert_eq!(second.code, Code::Busy);
        drop(first);
        // The aborted task gives its place back at its next wait.
        while site.engine.running.available_permits() == 0 {
            tokio::task::yield_now().await;
        }
        site.engine.run("SELECT 1").await.unwrap();
    });
}
