//! Erasures over HTTP, of an invented site.

use std::sync::Mutex;

use super::*;
use crate::{Erasure, NotErased};

/// Has a barn, an erasure at 3 that is under way, and commits up to 7.
#[derive(Debug, Default)]
pub(super) struct Invented {
    asked: Mutex<Vec<String>>,
}

impl crate::Devices for Invented {
    fn erase(&self, device: &str) -> Result<Position, NotErased> {
        self.asked.lock().unwrap().push(device.to_owned());
        match device {
            "farm/barn" => Ok(Position::new(7)),
            "full" => Err(NotErased::Full),
            "slow" => Ok(Position::new(8)),
            _ => Err(NotErased::Unknown),
        }
    }

    fn erasures(&self) -> Vec<Erasure> {
        let begun = Erasure { position: Position::new(3), series: 2, ..Erasure::default() };
        let flushed = Erasure { position: Position::new(4), flushed: true, ..begun };
        let files = |position, files, leaving| Erasure {
            position: Position::new(position),
            files: Some(files),
            leaving,
            ..flushed
        };
        vec![begun, flushed, files(5, 9, 1), files(6, 0, 1)]
    }

    fn has_messages_before(&self, position: Position) -> bool {
        position > Position::new(5)
    }
}

fn delete(path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let request = Request::delete(path).header("host", "site:80");
    let request = headers.iter().fold(request, |it, (name, value)| it.header(*name, *value));
    request.body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_wish_is_answered_when_it_is_committed() {
    let api = ready();
    let told = ask(&api, delete("/api/devices/farm%2Fbarn", &[])).await;
    let done = r#"{"position":7,"state":"done","series":0,"files":0,"unreadable":0,"leaving":0,"raw_messages":true}"#;
    assert_eq!((told.status, told.body.unwrap().as_str()), (StatusCode::OK, done));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_erased_is_told() {
    let api = ready();
    for (device, status, retry) in [
        ("nobody", StatusCode::NOT_FOUND, false),
        ("full", StatusCode::SERVICE_UNAVAILABLE, true),
        ("slow", StatusCode::SERVICE_UNAVAILABLE, true),
    ] {
        let told = ask(&api, delete(&format!("/api/devices/{device}"), &[])).await;
        assert_eq!((told.status, told.retry), (status, retry), "{device}");
    }
}

#[tokio::test]
async fn a_page_of_another_site_erases_nothing() {
    let api = ready();
    let own = ("origin", "http://site:80");
    for (headers, status) in [
        ([own, ("sec-fetch-site", "same-origin")], StatusCode::OK),
        ([own, ("sec-fetch-site", "cross-site")], StatusCode::FORBIDDEN),
        ([("origin", "http://evil"), ("accept", "*/*")], StatusCode::FORBIDDEN),
    ] {
        let told = ask(&api, delete("/api/devices/farm%2Fbarn", &headers)).await;
        assert_eq!(told.status, status, "{headers:?}");
    }
}

#[tokio::test]
async fn how_far_an_erasure_is_can_be_asked() {
    let api = ready();
    let states: [(u64, &str); 5] =
        [(3, "in memory"), (4, "rewriting"), (5, "rewriting"), (6, "leaving"), (7, "done")];
    for (position, state) in states {
        let told = ask(&api, get(&format!("/api/erasures/{position}"))).await;
        let body = told.body.unwrap();
        assert!(body.contains(&format!("\"state\":\"{state}\"")), "{position}: {body}");
    }
    let all = ask(&api, get("/api/erasures")).await.body.unwrap();
    assert_eq!(all.matches("\"position\"").count(), 4, "{all}");
    for (path, status) in
        [("/api/erasures/8", StatusCode::NOT_FOUND), ("/api/erasures/x", StatusCode::BAD_REQUEST)]
    {
        assert_eq!(ask(&api, get(path)).await.status, status, "{path}");
    }
}
