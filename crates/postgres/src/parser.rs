//! Statements with parameters: planned once to tell their columns, and again for each run.

use std::sync::Arc;

use arrow_pg::datatypes::{arrow_schema_to_pg_fields, into_pg_type};
use async_trait::async_trait;
use pgwire::api::portal::Format;
use pgwire::api::results::FieldInfo;
use pgwire::api::stmt::QueryParser;
use pgwire::api::{ClientInfo, Type};
use pgwire::error::{ErrorInfo, PgWireError, PgWireResult};
use query::postgres::Command;
use query::{Engine, Parameter, Prepared};

use crate::fault::told;

/// A statement that a client named, to run it with values.
#[derive(Clone, Debug)]
pub(crate) enum Stored {
    Read(Box<Prepared>, Arc<str>),
    Other(Command),
}

#[derive(Clone, Debug)]
pub(crate) struct Parser(pub(crate) Arc<Engine>);

#[async_trait]
impl QueryParser for Parser {
    type Statement = Stored;

    async fn parse_sql<C>(
        &self,
        _client: &C,
        sql: &str,
        _types: &[Option<Type>],
    ) -> PgWireResult<Option<Self::Statement>>
    where
        C: ClientInfo + Unpin + Send + Sync,
    {
        let commands = self.0.parse(sql).await.map_err(|fault| told(fault, sql))?;
        let mut commands = commands.into_iter();
        let Some(command) = commands.next() else { return Ok(None) };
        if commands.next().is_some() {
            return Err(several());
        }
        let Command::Read(statement) = command else { return Ok(Some(Stored::Other(command))) };
        let prepared = self.0.prepare(statement).await.map_err(|fault| told(fault, sql))?;
        Ok(Some(Stored::Read(Box::new(prepared), sql.into())))
    }

    fn get_parameter_types(&self, statement: &Self::Statement) -> PgWireResult<Vec<Type>> {
        match statement {
            Stored::Read(prepared, _) => wire_types(prepared),
            Stored::Other(_) => Ok(Vec::new()),
        }
    }

    fn get_result_schema(
        &self,
        statement: &Self::Statement,
        format: Option<&Format>,
    ) -> PgWireResult<Vec<FieldInfo>> {
        let format = format.unwrap_or(&Format::UnifiedText);
        match statement {
            Stored::Read(prepared, _) => arrow_schema_to_pg_fields(prepared.schema(), format, None),
            Stored::Other(Command::Show(name)) => Ok(vec![shown(name, format)]),
            Stored::Other(_) => Ok(Vec::new()),
        }
    }
}

/// The one column of SHOW.
pub(crate) fn shown(name: &str, format: &Format) -> FieldInfo {
    FieldInfo::new(name.to_owned(), None, None, Type::TEXT, format.format_for(0))
}

pub(crate) fn wire_types(prepared: &Prepared) -> PgWireResult<Vec<Type>> {
    let wire = |parameter: &Parameter| match &parameter.kind {
        Some(_) if parameter.is_oid => Ok(Type::OID),
        Some(kind) => into_pg_type(kind),
        None => Ok(Type::UNKNOWN),
    };
    prepared.parameters().iter().map(wire).collect()
}

fn several() -> PgWireError {
    let what = "A prepared statement is one statement.".to_owned();
    PgWireError::UserError(Box::new(ErrorInfo::new("ERROR".to_owned(), "42601".to_owned(), what)))
}
