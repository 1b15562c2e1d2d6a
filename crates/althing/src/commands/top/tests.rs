//! What stays on the screen while a site does not answer.

use serde_json::json;

use super::snapshot::invented;
use super::*;

fn gone(cause: &str) -> Result<Snapshot, Complaint> {
    Err(Complaint::new(Exit::Unreachable, cause))
}

#[test]
fn a_site_that_does_not_answer_leaves_its_last_picture() {
    let mut watched =
        Watched::new(invented("althing_ready 1\nalthing_uptime_seconds 5\n", &json!({})));
    watched.look(gone("connection refused"));
    watched.look(gone("the site answers with status 503"));
    let picture = watched.picture(Screen::USUAL);
    let first = picture.lines().next().unwrap_or_default();
    assert!(first.contains("2 times") && first.contains("status 503"), "{picture}");
    assert!(picture.contains("up 5 s"), "{picture}");
}

#[test]
fn an_answer_ends_the_complaint() {
    let mut watched = Watched::new(invented("althing_uptime_seconds 5\n", &json!({})));
    watched.look(gone("connection refused"));
    watched.look(Ok(invented("althing_uptime_seconds 9\n", &json!({}))));
    let picture = watched.picture(Screen::USUAL);
    assert!(!picture.contains("OLD PICTURE") && picture.contains("up 9 s"), "{picture}");
}
