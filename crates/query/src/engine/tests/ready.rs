//! What reads memory only is not planned at all when it is asked again, and is answered as if it were.

use datafusion::physical_plan::{ExecutionPlan, displayable};

use super::*;

/// One for each kind of node that is kept, and for each table in memory.
const STATEMENTS: [&str; 24] = [
    "SELECT 1 AS one",
    "SELECT 1 AS one WHERE 1 = 2",
    "SELECT * FROM latest ORDER BY device, signal",
    "SELECT * FROM signals ORDER BY device, signal",
    "SELECT * FROM devices ORDER BY device",
    "SELECT * FROM labels ORDER BY device, label",
    "SELECT number FROM latest WHERE device = 'farm/node1' AND signal LIKE 'temp%'",
    "SELECT device, number * 2 AS twice FROM latest WHERE number > 15 ORDER BY 1, 2",
    "SELECT count(*), count(title), count(first_seen) FROM devices",
    "SELECT count(*) FROM labels",
    "SELECT min(number), max(number), min(device), max(time) FROM latest",
    "SELECT device, max(number), count(*) FROM latest GROUP BY 1 ORDER BY 1",
    "SELECT DISTINCT signal FROM latest ORDER BY 1",
    "SELECT device, max(number) AS most FROM latest GROUP BY 1 ORDER BY most DESC LIMIT 1",
    "SELECT device, number FROM latest ORDER BY number DESC LIMIT 2",
    "SELECT device, number FROM latest ORDER BY number LIMIT 1 OFFSET 1",
    "SELECT count(*) FROM (SELECT device FROM latest LIMIT 3)",
    "SELECT latest.device, value, max(number) FILTER (WHERE signal = 'temperature') AS heat \
     FROM latest JOIN labels ON labels.device = latest.device AND label = 'model' \
     GROUP BY 1, 2 ORDER BY 1",
    "SELECT devices.device, label, value, number FROM devices \
     LEFT JOIN labels ON labels.device = devices.device AND label = 'firmware' \
     LEFT JOIN latest ON latest.device = devices.device AND signal = 'humidity' ORDER BY 1",
    "SELECT device FROM devices WHERE device NOT IN (SELECT device FROM labels) ORDER BY 1",
    "SELECT count(*), sum(a.number) FROM latest a CROSS JOIN labels",
    "SELECT a.device, b.device FROM latest a JOIN latest b ON a.number < b.number ORDER BY 1, 2, a.number, b.number",
    "SELECT device, rank() OVER (PARTITION BY signal ORDER BY number DESC), \
     avg(number) OVER (), sum(number) OVER (ORDER BY number, device) FROM latest ORDER BY 1, 2, 3, 4",
    "SELECT device FROM latest UNION ALL SELECT device FROM labels ORDER BY 1",
];

impl Site {
    fn ready(&self, sql: &str) -> Option<Arc<dyn ExecutionPlan>> {
        self.engine.contexts.kept.ready(sql, &Arc::new(self.engine.snapshot()))
    }

    /// The answer, after that of the same words planned anew was compared with it.
    #[track_caller]
    fn checked(&self, sql: &str) -> String {
        let anew = self.csv(&format!("{sql} -- after {} changes", self.next));
        let said = self.csv(sql);
        assert_eq!(said, anew, "{sql}");
        said
    }
}

#[test]
fn the_same_is_said_with_and_without_a_kept_plan() {
    let mut site = Site::sample();
    for sql in STATEMENTS {
        assert!(site.ready(sql).is_none(), "{sql}");
        let first = site.csv(sql);
        assert!(site.ready(sql).is_some(), "{sql}");
        for _ in 0..3 {
            assert_eq!(site.checked(sql), first, "{sql}");
        }
    }
    // Values that are lower than any before: what a run learned must not outlive it.
    site.take(&[
        ("farm/node1", "temperature", 120_000, -5.0),
        ("farm/node1", "humidity", 120_000, -6.0),
        ("farm/node2", "temperature", 120_000, -7.0),
        ("mill/devices", "Speed", 120_000, -8.0),
    ]);
    site.catalog.0.store(1, Ordering::Relaxed);
    for sql in STATEMENTS {
        assert!(site.ready(sql).is_some(), "{sql}");
        site.checked(sql);
        site.checked(sql);
    }
    let most = site.csv("SELECT device, number FROM latest ORDER BY number DESC LIMIT 2");
    assert_eq!(most, "device,number\nfarm/node1,-5.0\nfarm/node1,-6.0\n");
}

#[test]
fn more_series_devices_and_labels_are_planned_anew() {
    let mut site = Site::sample();
    let (readings, names) = ("SELECT count(*) FROM latest", "SELECT count(*) FROM devices, labels");
    assert_eq!(site.csv(readings), "count(*)\n4\n");
    assert_eq!(site.csv(names), "count(*)\n9\n");
    site.take(&[("farm/node7", "temperature", 120_000, 1.0)]);
    site.catalog.0.store(2, Ordering::Relaxed);
    for sql in [readings, names] {
        assert!(site.ready(sql).is_none(), "{sql}");
    }
    assert_eq!(site.checked(readings), "count(*)\n5\n");
    assert_eq!(site.checked(names), "count(*)\n16\n");
    for sql in STATEMENTS {
        site.csv(sql);
        assert!(site.ready(sql).is_some(), "{sql}");
        site.checked(sql);
    }
}

#[test]
fn a_device_that_was_erased_is_gone_from_kept_plans() {
    let mut site = Site::sample();
    let sql = "SELECT device, signal FROM latest ORDER BY 1, 2";
    assert!(site.csv(sql).contains("farm/node1"));
    let position = Position::new(site.next);
    assert_eq!(site.writer.erase("farm/node1", position), 2);
    site.take(&[("farm/node2", "temperature", 120_000, 11.0)]);
    assert_eq!(site.checked(sql), "device,signal\nfarm/node2,temperature\nmill/devices,Speed\n");
    site.take(&[("farm/node1", "temperature", 180_000, 5.0)]);
    assert!(site.checked(sql).contains("farm/node1,temperature\n"));
}

/// Each sees the moment at which it was asked, although they share a plan.
#[test]
fn two_runs_at_once_have_their_own_moments() {
    let mut site = Site::sample();
    let sql = "SELECT max(a.number) AS most FROM latest a JOIN latest b ON a.device = b.device";
    site.csv(sql);
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let ask = |site: &Site| runtime.block_on(site.engine.run(sql)).unwrap();
    let mut answers = Vec::new();
    for round in 1..=5_i64 {
        let number = f64::from(i32::try_from(round).unwrap()) * 100.0;
        site.take(&[("farm/node1", "temperature", round * 100_000, number)]);
        assert!(site.ready(sql).is_some());
        answers.push((ask(&site), number));
    }
    for (mut answer, number) in answers {
        let batch = runtime.block_on(answer.next()).unwrap().unwrap();
        assert_eq!(
            format!("{:?}", batch.column(0)),
            format!("PrimitiveArray<Float64>\n[\n  {number:?},\n]")
        );
    }
}

/// The first rows come with the beginning, the others after them.
#[test]
fn an_answer_of_several_batches_is_whole() {
    let mut site = Site::new(Limits::default());
    let names: Vec<String> = (0..20_000).map(|number| format!("farm/node{number:05}")).collect();
    let rows: Vec<Row<'_>> = names.iter().map(|name| (name.as_str(), "t", 0, 1.0)).collect();
    site.take(&rows);
    let expected = format!("device\n{}\n", names.join("\n"));
    let sql = "SELECT device FROM latest ORDER BY 1";
    for _ in 0..2 {
        assert_eq!(site.csv(sql), expected);
        assert!(site.ready(sql).is_some());
    }
    let divided = "SELECT 1 / (device <> 'farm/node15000')::int FROM latest ORDER BY device";
    for _ in 0..2 {
        assert!(site.csv(divided).contains("Divide by zero"), "{}", site.csv(divided));
    }
}

#[test]
fn explain_shows_the_plan_that_is_kept() {
    let mut site = Site::sample();
    for round in 0..2 {
        for sql in STATEMENTS {
            site.csv(sql);
            let explained = site.csv(&format!("EXPLAIN {sql}"));
            let ready = site.ready(sql).unwrap();
            for line in displayable(&*ready).indent(false).to_string().lines() {
                let line = line.replace('"', "\"\"");
                assert!(explained.contains(line.trim()), "{sql}\n{line}\n{explained}");
            }
        }
        site.take(&[("farm/node8", "temperature", round, 1.0)]);
    }
}

#[test]
fn limits_hold_for_kept_plans() {
    let limits = Limits { memory_bytes: 1 << 20, concurrent: 8, ..Limits::default() };
    let mut site = Site::new(limits);
    let names: Vec<String> = (0..200).map(|number| format!("farm/node{number}")).collect();
    let rows: Vec<Row<'_>> = names.iter().map(|name| (name.as_str(), "t", 0, 1.0)).collect();
    site.take(&rows);
    let sql = "SELECT a.device || b.device AS pair, count(*) FROM latest a CROSS JOIN latest b \
               GROUP BY 1 ORDER BY 1 LIMIT 1";
    for _ in 0..3 {
        assert_eq!(site.answer(sql, Format::Csv).unwrap_err().code, Code::Memory);
        assert!(site.ready(sql).is_some());
    }
    assert_eq!(site.csv("SELECT 1 AS one"), "one\n1\n");
}

#[test]
fn what_shares_its_results_between_nodes_is_planned_each_time() {
    let mut site = Site::sample();
    let sql = "SELECT device FROM latest WHERE number = (SELECT max(number) FROM latest)";
    for (number, device) in [(90.0, "farm/node1"), (95.0, "farm/node2")] {
        site.take(&[(device, "temperature", 120_000, number)]);
        assert_eq!(site.checked(sql), format!("device\n{device}\n"));
        assert!(site.ready(sql).is_none());
    }
}

#[test]
fn large_plans_are_made_each_time() {
    let site = Site::sample();
    let union =
        |count| vec!["SELECT device FROM latest WHERE number > 1"; count].join(" UNION ALL ");
    for (count, is_kept) in [(8, true), (9, false)] {
        site.csv(&union(count));
        assert_eq!(site.ready(&union(count)).is_some(), is_kept, "{count} scans");
    }
}

#[test]
fn what_reads_history_is_planned_each_time() {
    let site = Site::sample();
    for sql in ["SELECT count(*) FROM readings", "SELECT max(temperature) FROM node"] {
        site.csv(sql);
        assert!(site.ready(sql).is_none(), "{sql}");
    }
}
