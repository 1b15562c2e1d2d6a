//! SQL over HTTP: the statement as the body, or in `?q=` for addresses that people share.

use axum::body::{Body, Bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::stream;
use model::Event;
use query::encode::EncodeFault;
use query::{Answer, Encoder, Format, QueryFault, RecordBatch};
use serde::Deserialize;

use crate::{Api, STATEMENT_BYTES_MAX, fault, format};

#[derive(Debug, Deserialize)]
pub(crate) struct Wish {
    q: Option<String>,
    format: Option<String>,
}

pub(crate) async fn posted(
    State(api): State<Api>,
    Query(wish): Query<Wish>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let Ok(body) = body else {
        let message = format!("A statement has at most {STATEMENT_BYTES_MAX} bytes.");
        return fault::plain(StatusCode::PAYLOAD_TOO_LARGE, "too_large", &message, "Shorten it.");
    };
    match std::str::from_utf8(&body) {
        Ok(sql) => answer(api, sql, &wish, &headers).await,
        Err(_not_text) => fault::plain(
            StatusCode::BAD_REQUEST,
            "invalid",
            "The statement is not UTF-8 text.",
            "Send it as text/plain in UTF-8.",
        ),
    }
}

pub(crate) async fn shared(
    State(api): State<Api>,
    Query(wish): Query<Wish>,
    headers: HeaderMap,
) -> Response {
    let sql = wish.q.clone().unwrap_or_default();
    answer(api, &sql, &wish, &headers).await
}

async fn answer(api: Api, sql: &str, wish: &Wish, headers: &HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let format = match (&wish.format, accept) {
        (Some(name), _) => format::by_name(name),
        (None, Some(accept)) => format::by_accept(accept),
        (None, None) => Some(Format::Json),
    };
    let Some(format) = format else {
        return fault::plain(
            StatusCode::NOT_ACCEPTABLE,
            "format",
            "There is no such format.",
            "Use format=json, jsonl, csv, arrow or parquet, or one of their media types.",
        );
    };
    match begin(&api, sql, format).await {
        Ok(response) => response,
        Err(told) => {
            api.meter.count(Event::QueryFailed);
            fault::of(told)
        }
    }
}

/// The first rows are waited for, so that what fails before them is told by the status.
async fn begin(api: &Api, sql: &str, format: Format) -> Result<Response, QueryFault> {
    let mut answer = api.engine.run(sql).await?;
    let first = answer.next().await?;
    let position = answer.position().to_string();
    let encoder = Encoder::new(format, &answer.schema()).map_err(|error| unwritable(&error))?;
    let body = if answer.is_complete() {
        // Its length is known: head and body leave in one piece.
        let whole = whole(encoder, first.as_ref()).map_err(|error| unwritable(&error))?;
        api.meter.count(Event::QueryRun);
        Body::from(whole)
    } else {
        let flow = Flow { api: api.clone(), answer, first, encoder: Some(encoder) };
        Body::from_stream(stream::try_unfold(flow, Flow::step))
    };
    let headers = [
        (header::CONTENT_TYPE, format.media_type()),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, [("althing-position", position)], body).into_response())
}

fn whole(mut encoder: Encoder, rows: Option<&RecordBatch>) -> Result<Vec<u8>, EncodeFault> {
    let mut out = Vec::new();
    if let Some(rows) = rows {
        encoder.write(rows, &mut out)?;
    }
    encoder.finish(&mut out)?;
    Ok(out)
}

fn unwritable(error: &EncodeFault) -> QueryFault {
    tracing::warn!(%error, "an answer cannot be written");
    QueryFault {
        code: query::Code::Invalid,
        message: "These columns cannot be written in this format.".to_owned(),
        hint: "Choose another format, or CAST the columns.".to_owned(),
        place: None,
    }
}

/// An answer on its way out. An error in the stream makes the server cut the connection, so that
/// nobody takes a part for the whole.
struct Flow {
    api: Api,
    answer: Answer,
    first: Option<RecordBatch>,
    /// Taken when the document is finished.
    encoder: Option<Encoder>,
}

impl Flow {
    async fn step(mut self) -> Result<Option<(Bytes, Self)>, std::io::Error> {
        let Some(mut encoder) = self.encoder.take() else { return Ok(None) };
        let mut out = Vec::new();
        while out.is_empty() {
            let batch = match self.first.take() {
                Some(batch) => Some(batch),
                None => self.answer.next().await.map_err(|told| self.cut(told))?,
            };
            let Some(batch) = batch else {
                encoder.finish(&mut out).map_err(|told| self.cut(told))?;
                self.api.meter.count(Event::QueryRun);
                return Ok(Some((out.into(), self)));
            };
            encoder.write(&batch, &mut out).map_err(|told| self.cut(told))?;
        }
        self.encoder = Some(encoder);
        Ok(Some((out.into(), self)))
    }

    fn cut(&self, cause: impl std::error::Error + Send + Sync + 'static) -> std::io::Error {
        self.api.meter.count(Event::QueryFailed);
        std::io::Error::other(cause)
    }
}
