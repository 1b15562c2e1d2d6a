-- A file as version 1 made it.
PRAGMA user_version = 1;
CREATE TABLE device (
    handle TEXT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    title TEXT,
    type TEXT NOT NULL,
    dialect TEXT NOT NULL,
    guessed INTEGER NOT NULL,
    adopted INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER
) STRICT;
CREATE TABLE device_key (
    key TEXT PRIMARY KEY,
    handle TEXT NOT NULL REFERENCES device (handle),
    place INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX device_key_handle ON device_key (handle);
CREATE TABLE applied (only INTEGER PRIMARY KEY CHECK (only = 1), position INTEGER NOT NULL) STRICT;
INSERT INTO applied VALUES (1, 0);
INSERT INTO device VALUES
    ('farm/barn1', '01HF7YAT00ABCDEFGHJKMNPQRS', 'Barn', 'barn', 'fallback', 1, 0, 1700000000000000, NULL);
INSERT INTO device_key VALUES ('topic:farm/barn1', 'farm/barn1', 0), ('mac:4c752549a3bc', 'farm/barn1', 1);
UPDATE applied SET position = 5;
