//! One connection: what its client says, and what it hears.

use std::fmt::Debug;
use std::sync::Arc;

use arrow_pg::datatypes::df::deserialize_parameters_with_server_types;
use arrow_pg::datatypes::{arrow_schema_to_pg_fields, encode_recordbatch};
use async_trait::async_trait;
use futures::{Sink, Stream, StreamExt as _, TryStreamExt as _, stream};
use pgwire::api::portal::{Format, Portal};
use pgwire::api::query::{ExtendedQueryHandler, SimpleQueryHandler};
use pgwire::api::results::{DataRowEncoder, QueryResponse, Response, Tag};
use pgwire::api::store::PortalStore;
use pgwire::api::{ClientInfo, ClientPortalStore, Type};
use pgwire::error::{ErrorInfo, PgWireError, PgWireResult};
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::response::TransactionStatus;
use query::postgres::Command;
use query::{Engine, ParamValues, Prepared, QueryFault, RecordBatch};

use crate::fault::told;
use crate::parser::{Parser, Stored, shown, wire_types};
use crate::settings::Settings;

#[derive(Debug)]
pub(crate) struct Session {
    engine: Arc<Engine>,
    parser: Arc<Parser>,
    settings: Settings,
}

impl Session {
    pub(crate) fn new(engine: Arc<Engine>) -> Self {
        let parser = Arc::new(Parser(Arc::clone(&engine)));
        Self { engine, parser, settings: Settings::default() }
    }

    /// The rows of a statement, which begins when they are asked for: of several in one text each
    /// has its place and its moment after the other.
    fn answer(
        &self,
        prepared: Prepared,
        values: ParamValues,
        (sql, format): (&str, &Format),
    ) -> PgWireResult<Response> {
        let sql: Arc<str> = sql.into();
        let fields = Arc::new(arrow_schema_to_pg_fields(prepared.schema(), format, None)?);
        let of_batch = Arc::clone(&fields);
        let rows =
            batches(Arc::clone(&self.engine), prepared, values).flat_map(
                move |batch| match batch {
                    Ok(batch) => {
                        stream::iter(encode_recordbatch(Arc::clone(&of_batch), batch)).left_stream()
                    }
                    Err(fault) => stream::iter([Err(told(fault, &sql))]).right_stream(),
                },
            );
        Ok(Response::Query(QueryResponse::new(fields, rows)))
    }

    fn obey(&self, command: &Command, format: &Format) -> PgWireResult<Response> {
        let done = |word: &str| Ok(Response::Execution(Tag::new(word)));
        match command {
            Command::Read(_) => Err(PgWireError::NotReadyForQuery),
            Command::Set { name, value } if self.settings.set(name, value) => done("SET"),
            Command::Set { name, .. } => Err(fault(
                "53400",
                format!("\"{name}\" is too long, or one setting too many for a connection."),
            )),
            Command::Reset => {
                self.settings.reset();
                done("RESET")
            }
            Command::Show(name) => self.show(name, format),
            Command::Begin => Ok(Response::TransactionStart(Tag::new("BEGIN"))),
            Command::Commit => Ok(Response::TransactionEnd(Tag::new("COMMIT"))),
            Command::Rollback => Ok(Response::TransactionEnd(Tag::new("ROLLBACK"))),
            Command::Nothing(word) => done(word),
        }
    }

    fn show(&self, name: &str, format: &Format) -> PgWireResult<Response> {
        let Some(value) = self.settings.get(name) else {
            return Err(fault("42704", format!("There is no setting \"{name}\".")));
        };
        let fields = Arc::new(vec![shown(name, format)]);
        let mut encoder = DataRowEncoder::new(Arc::clone(&fields));
        encoder.encode_field(&Some(value))?;
        let row = encoder.take_row();
        Ok(Response::Query(QueryResponse::new(fields, stream::iter([Ok(row)]))))
    }
}

#[async_trait]
impl SimpleQueryHandler for Session {
    async fn do_query<C>(&self, client: &mut C, sql: &str) -> PgWireResult<Vec<Response>>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let commands = self.engine.parse(sql).await.map_err(|fault| told(fault, sql))?;
        if commands.is_empty() {
            return Ok(vec![Response::EmptyQuery]);
        }
        let mut responses = Vec::with_capacity(commands.len());
        for command in commands {
            check_transaction(client.transaction_status(), &command)?;
            let format = Format::UnifiedText;
            let Command::Read(statement) = command else {
                responses.push(self.obey(&command, &format)?);
                continue;
            };
            let prepared = self.engine.prepare(statement).await;
            let prepared = prepared.map_err(|fault| told(fault, sql))?;
            let values = ParamValues::List(Vec::new());
            responses.push(self.answer(prepared, values, (sql, &format))?);
        }
        Ok(responses)
    }
}

#[async_trait]
impl ExtendedQueryHandler for Session {
    type Statement = Stored;
    type QueryParser = Parser;

    fn query_parser(&self) -> Arc<Self::QueryParser> {
        Arc::clone(&self.parser)
    }

    async fn do_query<C>(
        &self,
        client: &mut C,
        portal: &Portal<Self::Statement>,
        _rows_max: usize,
    ) -> PgWireResult<Response>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Self::Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let format = &portal.result_column_format;
        match &portal.statement.statement {
            Stored::Read(prepared, sql) => {
                if client.transaction_status() == TransactionStatus::Error {
                    return Err(aborted());
                }
                let values = values_of(portal, prepared)?;
                self.answer(Prepared::clone(prepared), values, (sql, format))
            }
            Stored::Other(command) => {
                check_transaction(client.transaction_status(), command)?;
                self.obey(command, format)
            }
        }
    }
}

fn values_of(portal: &Portal<Stored>, prepared: &Prepared) -> PgWireResult<ParamValues> {
    let wire = wire_types(prepared)?;
    let wire: Vec<Option<&Type>> = wire.iter().map(Some).collect();
    let kinds: Vec<_> = prepared.parameters().iter().map(|one| one.kind.as_ref()).collect();
    deserialize_parameters_with_server_types(portal, &kinds, &wire)
}

fn batches(
    engine: Arc<Engine>,
    prepared: Prepared,
    values: ParamValues,
) -> impl Stream<Item = Result<RecordBatch, QueryFault>> + Send {
    let started = async move { engine.run_prepared(&prepared, values).await };
    let answer = stream::once(started).map_ok(|answer| {
        stream::try_unfold(answer, |mut answer| async move {
            Ok(answer.next().await?.map(|batch| (batch, answer)))
        })
    });
    answer.try_flatten()
}

/// After a fault a transaction takes nothing but its end.
fn check_transaction(status: TransactionStatus, command: &Command) -> PgWireResult<()> {
    let ends =
        matches!(command, Command::Commit | Command::Rollback | Command::Nothing("ROLLBACK"));
    if status == TransactionStatus::Error && !ends { Err(aborted()) } else { Ok(()) }
}

fn aborted() -> PgWireError {
    let what = "The transaction has failed: nothing more is done before ROLLBACK.";
    fault("25P02", what.to_owned())
}

fn fault(state: &str, what: String) -> PgWireError {
    PgWireError::UserError(Box::new(ErrorInfo::new("ERROR".to_owned(), state.to_owned(), what)))
}
