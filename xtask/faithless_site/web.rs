//! Just enough of HTTP and SQL: the two questions that torture asks, as CSV.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};

use crate::store::{Message, Store};

pub(crate) fn answer(mut stream: TcpStream, store: &Mutex<Store>) -> Result<()> {
    let question = read(&mut stream)?;
    let mut rows = String::from("device,signal,ms,number\n");
    let store = store.lock().unwrap_or_else(PoisonError::into_inner);
    for it in store.messages().iter().filter(|message| asked_for(&question, message)) {
        writeln!(rows, "{},x,{},{:?}", it.device, it.ms, it.x)?;
        writeln!(rows, "{},y,{},{:?}", it.device, it.ms, it.y)?;
    }
    drop(store);
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{rows}",
        rows.len()
    )?;
    Ok(())
}

fn read(stream: &mut TcpStream) -> Result<String> {
    let (mut bytes, mut chunk) = (Vec::new(), vec![0; 4096]);
    loop {
        let count = stream.read(&mut chunk)?;
        anyhow::ensure!(count > 0, "half a question");
        bytes.extend_from_slice(chunk.get(..count).unwrap_or_default());
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let head = head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.context("no length")?.trim().parse()?;
        if body.len() >= length {
            return Ok(body.to_owned());
        }
    }
}

fn asked_for(question: &str, message: &Message) -> bool {
    let after = |words: &str| {
        let (_, rest) = question.split_once(words)?;
        rest.split([')', '\'']).next()
    };
    let time = |words: &str| after(words).and_then(|text| text.parse::<i64>().ok());
    after("device = '").is_none_or(|device| device == message.device)
        && time("time = to_timestamp_millis(").is_none_or(|ms| ms == message.ms)
        && time("time >= to_timestamp_millis(").is_none_or(|ms| message.ms >= ms)
        && time("time < to_timestamp_millis(").is_none_or(|ms| message.ms < ms)
}
