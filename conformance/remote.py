"""Old days move to an object store that is not ours, and other programs read them there.

Arguments: the program, and what is given to it before its command. The store is moto's server, or the one at
ALTHING_S3_ENDPOINT, whose bucket ALTHING_S3_BUCKET must be empty and whose keys are in AWS_ACCESS_KEY_ID and
AWS_SECRET_ACCESS_KEY; then what needs a store that stops is left out.
"""

import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid

import boto3
import deltalake
import duckdb
import paho.mqtt.client as mqtt
import polars

DAY = 86_400
WAIT = 120
STEPS = 2_000


class Store:
    def __init__(self, log) -> None:
        self.endpoint = os.environ.get("ALTHING_S3_ENDPOINT")
        self.bucket = os.environ.get("ALTHING_S3_BUCKET", "althing")
        self.process = None
        if not self.endpoint:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            self.endpoint = f"http://127.0.0.1:{port}"
            os.environ.update(AWS_ACCESS_KEY_ID="conformance", AWS_SECRET_ACCESS_KEY="conformance-secret")
            server = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
            self.process = subprocess.Popen(server, stdout=log, stderr=log)
        self.client = boto3.client("s3", endpoint_url=self.endpoint, region_name="us-east-1")
        if self.process:
            until(lambda: self.answers(), "the store answers")
            self.client.create_bucket(Bucket=self.bucket)

    def answers(self) -> bool:
        try:
            urllib.request.urlopen(self.endpoint, timeout=2).close()
            return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    def options(self) -> dict:
        return {
            "AWS_ENDPOINT_URL": self.endpoint, "AWS_REGION": "us-east-1", "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": os.environ["AWS_ACCESS_KEY_ID"],
            "AWS_SECRET_ACCESS_KEY": os.environ["AWS_SECRET_ACCESS_KEY"],
        }

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()


class Site:
    running: list = []

    def __init__(self, program: list, data: pathlib.Path, store: Store, prefix: str) -> None:
        self.data, self.log = data, data.with_suffix(".log")
        environment = dict(
            os.environ, ALTHING_REMOTE__BUCKET=store.bucket, ALTHING_REMOTE__ENDPOINT=store.endpoint,
            ALTHING_REMOTE__PREFIX=prefix, ALTHING_REMOTE__AFTER="7d", ALTHING_HISTORY__HOT_AGE="1s",
            ALTHING_HISTORY__LINGER="1s", NO_PROXY="127.0.0.1")
        flags = ["--anonymous", "--data", str(data), "--mqtt", "127.0.0.1:0", "--http", "127.0.0.1:0", "--postgres", "off"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                program + ["serve"] + flags, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
        Site.running.append(self.process)
        self.places = {}
        for line in self.process.stdout:
            word, _, place = line.strip().partition(" ")
            if word == "ready":
                break
            self.places[word] = place

    def get(self, path: str, body: bytes | None = None) -> str:
        request = urllib.request.Request(f"http://{self.places['http']}{path}", data=body, headers={"accept": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read().decode()

    def ask(self, sql: str) -> list:
        return json.loads(self.get("/api/sql", sql.encode()))

    def refused(self, sql: str) -> str:
        try:
            self.ask(sql)
        except urllib.error.HTTPError as fault:
            return fault.read().decode()
        raise AssertionError("the statement was answered")

    def metric(self, name: str) -> int:
        return int(re.search(rf"^althing_{name} (\d+)$", self.get("/metrics"), re.M).group(1))

    def publish(self, days: list, value: float, steps: int) -> None:
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="remote")
        client.max_inflight_messages_set(500)
        host, port = self.places["mqtt"].split(":")
        client.connect(host, int(port))
        client.loop_start()
        sent = []
        for day in days:
            for step in range(steps):
                reading = {"ts": (day * DAY + step * 20) * 1_000, "n": value + step}
                sent.append(client.publish(f"remote/d{step % 4}", json.dumps(reading), qos=1))
        for message in sent:
            message.wait_for_publish(60)
        client.disconnect()
        client.loop_stop()

    def table(self) -> str:
        return str(self.data / "history/main/readings")

    def parts(self, days: list) -> int:
        names = [time.strftime("day=%Y-%m-%d", time.gmtime(day * DAY)) for day in days]
        return sum(len(list((self.data / "history/main/readings" / name).glob("part-*.parquet"))) for name in names)

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait(60) == 0, self.log.read_text()[-2_000:]


def until(holds, what: str):
    deadline = time.monotonic() + WAIT
    while not (found := holds()):
        assert time.monotonic() < deadline, what
        time.sleep(0.2)
    return found


def grow_old(data: pathlib.Path) -> None:
    """An hour passes for all files: a day is closed when nothing was written to it for half an hour."""
    for version in (data / "history/main/readings/_delta_log").glob("*.json"):
        actions = [json.loads(line) for line in version.read_text().splitlines()]
        for action in actions:
            if "add" in action:
                action["add"]["modificationTime"] -= 3_600_000
            action.get("commitInfo", {}).pop("althingCrc32c", None)
        version.write_text("".join(json.dumps(action) + "\n" for action in actions))


def flushed(site: Site, rows: int) -> bool:
    """Whether the table here has all of them."""
    try:
        table = deltalake.DeltaTable(site.table())
    except deltalake.exceptions.TableNotFoundError:
        return False
    return table.to_pyarrow_table(columns=["number"]).num_rows >= rows


def there(store: Store, prefix: str) -> dict:
    """Rows and sum of numbers in the store, as other programs find them."""
    url = f"s3://{store.bucket}/{prefix}/main/readings"
    table = deltalake.DeltaTable(url, storage_options=store.options())
    arrow = table.to_pyarrow_table(columns=["number"])
    number = polars.scan_delta(url, storage_options=store.options()).select(
        polars.len().alias("n"), polars.col("number").sum()).collect()
    with tempfile.TemporaryDirectory() as folder:
        for index, uri in enumerate(table.file_uris()):
            key = uri.removeprefix(f"s3://{store.bucket}/")
            store.client.download_file(store.bucket, key, f"{folder}/{index}.parquet")
        duck = duckdb.sql(f"SELECT count(*), sum(number) FROM '{folder}/*.parquet'").fetchall()[0]
    return {
        "deltalake": (arrow.num_rows, sum(arrow["number"].to_pylist())),
        "polars": (number["n"][0], number["number"][0]),
        "duckdb": duck,
        "files": len(table.file_uris()),
    }


def objects(store: Store, prefix: str) -> set:
    pages = store.client.get_paginator("list_objects_v2").paginate(Bucket=store.bucket, Prefix=prefix + "/")
    keys = {item["Key"] for page in pages for item in page.get("Contents", [])}
    return {key for key in keys if key.endswith(".parquet") and "checkpoint" not in key}


def agree(site: Site, store: Store, prefix: str, before: int) -> dict:
    row = site.ask(f"SELECT count(*) AS n, sum(number) AS s FROM readings WHERE time < to_timestamp({before})")[0]
    seen = there(store, prefix)
    told = {seen["deltalake"], seen["polars"], seen["duckdb"], (row["n"], row["s"])}
    assert len(told) == 1, (seen, row)
    return seen


def moves(program: list, data: pathlib.Path, store: Store, prefix: str) -> None:
    today = int(time.time()) // DAY
    old, recent = [today - 10, today - 9, today - 8], today - 1
    site = Site(program, data, store, prefix)
    site.publish(old + [recent], 0.0, STEPS)
    until(lambda: flushed(site, 4 * STEPS), "all is in Parquet")
    site.stop()
    grow_old(data)
    site = Site(program, data, store, prefix)
    until(lambda: site.metric("remote_files") == 3, "three days are in the store")
    until(lambda: site.parts(old) == 0, "their copies here are gone")
    seen = agree(site, store, prefix, recent * DAY)
    assert seen["files"] == 3 and seen["polars"][0] == 3 * STEPS, seen
    here = deltalake.DeltaTable(site.table()).to_pyarrow_table(columns=["number"]).num_rows
    assert here == STEPS, here
    fetched = site.metric("remote_reads_fetched_total")
    agree(site, store, prefix, recent * DAY)
    assert site.metric("remote_reads_fetched_total") == fetched, "read from memory the second time"
    print(f"3 days moved, deltalake, polars, duckdb and SQL agree: {seen['polars']}; {here} rows stay here", flush=True)

    site.publish(old[:1], 0.5, STEPS // 4)
    total = site.ask("SELECT count(*) AS n FROM readings")[0]["n"]
    assert total == 4 * STEPS, total
    until(lambda: flushed(site, STEPS + STEPS // 4), "the late rows are in Parquet")
    before = objects(store, prefix)
    site.stop()
    grow_old(data)
    site = Site(program, data, store, prefix)
    until(lambda: len(objects(store, prefix) - before) == 1 and len(objects(store, prefix)) == 3, "the day was closed again")
    until(lambda: site.parts(old) == 0, "its copy here is gone")
    seen = agree(site, store, prefix, recent * DAY)
    print(f"late rows replaced {STEPS // 4} in the store: {seen['polars']}", flush=True)
    told = subprocess.run(program + ["backup", str(data) + "-saved", "--data", str(data)], capture_output=True, text=True)
    assert told.returncode == 0 and "3 files" in told.stdout and "not in it" in told.stdout, told
    site.stop()
    told = subprocess.run(program + ["verify", str(data)], capture_output=True, text=True)
    assert told.returncode == 0 and "not looked at" in told.stdout, told
    print(told.stdout.strip(), flush=True)


def another_site(program: list, data: pathlib.Path, store: Store, prefix: str) -> None:
    names = objects(store, prefix)
    site = Site(program, data, store, prefix)
    until(lambda: site.metric("remote_moves_failed_total") > 0, "the other site notices")
    assert "belongs to another site" in site.log.read_text()
    site.stop()
    assert objects(store, prefix) == names
    print("another site on the same prefix is refused", flush=True)


def without_store(program: list, data: pathlib.Path, store: Store, prefix: str) -> None:
    store.stop()
    site = Site(program, data, store, prefix)
    recent = int(time.time()) - 3 * DAY
    row = site.ask(f"SELECT count(*) AS n FROM readings WHERE time > to_timestamp({recent})")[0]
    assert row["n"] == STEPS, row
    told = site.refused("SELECT sum(number) FROM readings")
    assert f"s3://{store.bucket}/{prefix} does not answer" in told, told
    site.publish([int(time.time()) // DAY], 0.0, 10)
    site.stop()
    print(f"without the store the site runs, and says: {told.strip()}", flush=True)


def main() -> None:
    program = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        prefix = f"sites/{uuid.uuid4().hex[:8]}"
        with (folder / "store.log").open("wb") as log:
            store = Store(log)
            try:
                moves(program, folder / "data", store, prefix)
                another_site(program, folder / "other", store, prefix)
                if store.process:
                    without_store(program, folder / "data", store, prefix)
            finally:
                store.stop()
                for process in Site.running:
                    process.kill()


if __name__ == "__main__":
    main()
