use super::{Command, parse};
use crate::fault::Code;

fn commands(sql: &str) -> Vec<Command> {
    parse(sql).unwrap()
}

fn set(name: &str, value: &str) -> Command {
    Command::Set { name: name.to_owned(), value: value.to_owned() }
}

#[test]
fn clients_set_and_show_what_they_like() {
    for (sql, command) in [
        ("SET search_path TO public, site", set("search_path", "public, site")),
        ("SET extra_float_digits = 3", set("extra_float_digits", "3")),
        ("SET TIME ZONE 'UTC'", set("timezone", "UTC")),
        ("SET NAMES 'utf8'", set("client_encoding", "utf8")),
        (
            "SHOW TRANSACTION ISOLATION LEVEL",
            Command::Show("transaction_isolation_level".to_owned()),
        ),
        ("show server_version", Command::Show("server_version".to_owned())),
        ("BEGIN READ ONLY", Command::Begin),
        ("START TRANSACTION", Command::Begin),
        ("COMMIT", Command::Commit),
        ("ROLLBACK", Command::Rollback),
        ("SAVEPOINT a", Command::Nothing("SAVEPOINT")),
        ("DISCARD ALL", Command::Reset),
        ("DEALLOCATE ALL", Command::Nothing("DEALLOCATE")),
    ] {
        assert_eq!(commands(sql), [command], "{sql}");
    }
}

#[test]
fn a_text_has_as_many_statements_as_it_has() {
    assert!(commands("").is_empty());
    assert!(commands(" ; ; -- nothing").is_empty());
    assert_eq!(commands("SELECT 1; SELECT ';'").len(), 2);
}

#[test]
fn what_writes_is_refused() {
    for sql in
        ["DELETE FROM readings", "SELECT 1; DROP TABLE readings", "VACUUM", "COPY readings TO '/x'"]
    {
        assert_eq!(parse(sql).unwrap_err().code, Code::ReadOnly, "{sql}");
    }
    assert_eq!(parse("SELEC 1").unwrap_err().code, Code::Invalid);
}
