"""One store, asked again and again by whoever compares it with others.

Arguments: the store's kind and a JSON object with what it needs. For each line of standard input, a JSON
object `{"text": …, "row": […], "at": …}`, one line is answered: `{"rows", "seconds", "cpu"}` or `{"error"}`.
`seconds` goes from the statement to the last byte of its answer, over a connection that stays; where the
store works in this process, to the last row. `cpu` is that of the store's processes, which the kernel counts
in hundredths of a second unless it is this process.
"""

import decimal
import datetime
import http.client
import io
import json
import os
import sys
import threading
import time
import urllib.parse

TICKS = os.sysconf("SC_CLK_TCK")
BATCH = 5_000


def cpu_of(pid: int) -> float:
    """Of a process, its children, and those of them that have ended."""
    parents, spent = {}, {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8") as file:
                    fields = file.read().rpartition(") ")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            parents[int(entry)] = int(fields[1])
            spent[int(entry)] = sum(map(int, fields[11:15]))
    family = {pid}
    for _ in range(4):
        family |= {child for child, parent in parents.items() if parent in family}
    return sum(spent.get(member, 0) for member in family) / TICKS


class Http:
    """A kept connection."""

    def __init__(self, address: str):
        self.connection = http.client.HTTPConnection(address, timeout=600)

    def ask(self, method: str, path: str, body=None, headers=None) -> bytes:
        try:
            self.connection.request(method, path, body, headers or {})
            answer = self.connection.getresponse()
            text = answer.read()
        except Exception:
            self.connection.close()
            raise
        if answer.status >= 300:
            raise RuntimeError(f"{answer.status}: {text.decode(errors='replace')[:2000]}")
        return text


class Althing:
    def __init__(self, config: dict):
        self.http, self.pid = Http(config["http"]), config["pid"]

    def cpu(self) -> float:
        return cpu_of(self.pid)

    def ask(self, question: dict):
        return self.http.ask("POST", "/api/sql", question["text"].encode(), {"accept": "application/json"})

    def rows(self, answer, _question) -> list:
        return [list(row.values()) for row in json.loads(answer)]


class Postgres:
    """PostgreSQL, and whatever speaks its protocol."""

    def __init__(self, config: dict):
        import psycopg2

        self.connect = lambda: psycopg2.connect(config["dsn"])
        self.connection, self.pid = self.connect(), config["pid"]
        self.connection.autocommit = True
        self.cursor = self.connection.cursor()

    def cpu(self) -> float:
        return cpu_of(self.pid)

    def ask(self, question: dict):
        self.cursor.execute(question["text"])
        return self.cursor.fetchall() if self.cursor.description else []

    def rows(self, answer, _question) -> list:
        return [list(row) for row in answer]

    def load(self, files: dict, connections: int) -> None:
        """Batches with a commit each, the tables in turn, over some connections."""
        sources = [(table, open(path, "rb")) for table, path in files.items()]
        lock, faults = threading.Lock(), []

        def next_batch():
            with lock:
                while sources:
                    table, file = sources.pop(0)
                    lines = [line for _, line in zip(range(BATCH), file)]
                    if lines:
                        sources.append((table, file))
                        return table, lines
            return None

        def write():
            try:
                connection = self.connect()
                cursor = connection.cursor()
                while batch := next_batch():
                    table, lines = batch
                    cursor.copy_expert(f"COPY {table} FROM STDIN (FORMAT csv)", io.BytesIO(b"".join(lines)))
                    connection.commit()
                connection.close()
            except Exception as fault:  # told by whoever waits
                faults.append(fault)

        writers = [threading.Thread(target=write) for _ in range(connections)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        if faults:
            raise faults[0]


class DuckDb:
    def __init__(self, config: dict):
        import duckdb

        self.connection = duckdb.connect(config.get("path", ":memory:"))
        self.connection.execute("SET TimeZone = 'UTC'")

    def cpu(self) -> float:
        return time.process_time()

    def ask(self, question: dict):
        cursor = self.connection.execute(question["text"])
        return cursor.fetchall() if cursor.description else []

    def rows(self, answer, _question) -> list:
        return [list(row) for row in answer]


class ChDb:
    def __init__(self, config: dict):
        from chdb import session

        self.session = session.Session(config["path"])

    def cpu(self) -> float:
        return time.process_time()

    def ask(self, question: dict):
        return self.session.query(question["text"], "JSONCompactEachRow").bytes()

    def rows(self, answer, _question) -> list:
        return [json.loads(line) for line in answer.splitlines()]


class Influx:
    def __init__(self, config: dict):
        self.http, self.pid = Http(config["http"]), config["pid"]

    def cpu(self) -> float:
        return cpu_of(self.pid)

    def ask(self, question: dict):
        body = urllib.parse.urlencode({"db": "tsbs", "epoch": "s", "q": question["text"]})
        kind = {"content-type": "application/x-www-form-urlencoded"}
        return self.http.ask("POST", "/query", body, kind)

    def rows(self, answer, question) -> list:
        rows = []
        for result in json.loads(answer)["results"]:
            if "error" in result:
                raise RuntimeError(result["error"])
            for series in result.get("series", []):
                for values in series["values"]:
                    row = dict(zip(series["columns"], values)) | series.get("tags", {})
                    rows.append([row.get(name) for name in question["row"]])
        return rows


class Victoria:
    def __init__(self, config: dict):
        self.http, self.pid = Http(config["http"]), config["pid"]

    def cpu(self) -> float:
        return cpu_of(self.pid)

    def ask(self, question: dict):
        at = question["at"].split()
        path, names = ("query", ["time"]) if len(at) == 1 else ("query_range", ["start", "end", "step"])
        body = urllib.parse.urlencode({"query": question["text"], "nocache": "1"} | dict(zip(names, at)))
        kind = {"content-type": "application/x-www-form-urlencoded"}
        return self.http.ask("POST", f"/api/v1/{path}", body, kind)

    def rows(self, answer, question) -> list:
        """Series with the same labels, but for their names, are one row for each time."""
        merged = {}
        for series in json.loads(answer)["data"]["result"]:
            labels = series["metric"]
            row = {name: labels[name] for name in question["row"] if name in labels}
            metric = "value" if "value" in question["row"] else labels["__name__"]
            for time_, value in series.get("values") or [series["value"]]:
                key = (time_, *sorted(row.items()))
                merged.setdefault(key, row | {"time": time_})[metric] = float(value)
        return [[row.get(name) for name in question["row"]] for row in merged.values()]


def plain(value):
    """As JSON can say it: times as seconds since 1970."""
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=value.tzinfo or datetime.timezone.utc).timestamp()
    return value


KINDS = {"althing": Althing, "postgres": Postgres, "duckdb": DuckDb, "chdb": ChDb, "influx": Influx,
         "victoria": Victoria}


def answer(store, question: dict) -> dict:
    cpu, begun = store.cpu(), time.perf_counter()
    if "load" in question:
        store.load(question["load"], question["connections"])
        raw = []
    else:
        raw = store.ask(question)
    seconds = time.perf_counter() - begun
    cpu = store.cpu() - cpu
    rows = store.rows(raw, question) if raw else []
    return {"rows": [[plain(value) for value in row] for row in rows], "seconds": seconds, "cpu": cpu}


def main() -> None:
    # Programs in this process may print; answers must stand alone.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    store = KINDS[sys.argv[1]](json.loads(sys.argv[2]))
    for line in sys.stdin:
        try:
            told = answer(store, json.loads(line))
        except Exception as fault:  # whatever a store says is told to whoever asked
            told = {"error": f"{type(fault).__name__}: {fault}"}
        print(json.dumps(told), file=answers, flush=True)


if __name__ == "__main__":
    main()
