"""Programs that read a site's tables from its folder, while the site writes, merges and removes files.

Arguments: the program, and what is given to it before its command. A reading never changes,
so at every moment all programs must find the same rows in one version of the table, and the last
version must have all that were acknowledged. Then the site runs on with its clock ahead (faketime): its days are
closed, hours made of them, and small days become weeks; the same rows must be found in these.
"""

import json
import pathlib
import sys
import tempfile
import threading
import time
import urllib.request

import chdb
import deltalake
import duckdb
import paho.mqtt.client as mqtt
import polars

from backups import Site

DEVICES = 8
SECONDS = 40
# Of a device. Some weeks in all, which are over for longer than anything is kept that is kept shortly.
STEP = 60
AGO = 80 * 86_400
AHEAD = ["env", "LD_PRELOAD=/usr/$LIB/faketime/libfaketimeMT.so.1", "FAKETIME=+3h", "DONT_FAKE_MONOTONIC=1"]


def publish(host: str, port: int, stop: threading.Event, counts: list) -> None:
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="tables")
    client.max_inflight_messages_set(500)
    client.connect(host, port)
    client.loop_start()
    start = int(time.time()) - AGO
    step, sent = 0, []
    while not stop.is_set():
        for device in range(DEVICES):
            at = (start + step * STEP) * 1_000 + device
            reading = {"ts": at, "temperature": step / 2, "humidity": device}
            sent.append(client.publish(f"tables/d{device}", json.dumps(reading), qos=1))
        step += 1
        if step % 50 == 0:
            for message in sent:
                message.wait_for_publish(30)
            sent.clear()
            stop.wait(0.05)
    for message in sent:
        message.wait_for_publish(30)
    client.disconnect()
    client.loop_stop()
    counts.append(step * DEVICES * 2)


def found(folder: str, column: str = "number") -> dict:
    """Rows and the sum of a column of one version, as each program finds them."""
    table = deltalake.DeltaTable(folder)
    paths = [f"{folder}/{path}" for path in (file.removeprefix(folder + "/") for file in table.file_uris())]
    if not paths:
        return {"version": table.version()}
    arrow = table.to_pyarrow_table(columns=[column])
    number = polars.scan_delta(folder, version=table.version()).select(
        polars.len().alias("n"), polars.col(column).sum()).collect()
    quoted = "[" + ",".join(f"'{path}'" for path in paths) + "]"
    duck = duckdb.sql(f"SELECT count(*), sum({column}) FROM read_parquet({quoted}, hive_partitioning=false)").fetchall()[0]
    names = "{" + ",".join(path.removeprefix(folder + "/") for path in paths) + "}"
    house = chdb.query(f"SELECT count(), sum({column}) FROM file('{folder}/{names}', Parquet)", "CSV").bytes().decode()
    house = house.strip().split(",")
    return {
        "version": table.version(),
        "files": len(paths),
        "deltalake": (arrow.num_rows, sum(arrow[column].to_pylist())),
        "polars": (number["n"][0], number[column][0]),
        "duckdb": (duck[0], duck[1]),
        "chdb": (int(house[0]), float(house[1])),
    }


def asked(http: str, table: str = "readings", column: str = "number") -> tuple:
    sql = f"SELECT count(*) AS n, sum({column}) AS s FROM {table} WHERE device LIKE 'tables/%'"
    request = urllib.request.Request(
        f"http://{http}/api/sql", data=sql.encode(), headers={"accept": "application/json"})
    row = json.load(urllib.request.urlopen(request, timeout=60))[0]
    return row["n"], row["s"]


def check(seen: dict) -> None:
    told = {seen[program] for program in ("deltalake", "polars", "duckdb", "chdb") if program in seen}
    assert len(told) <= 1, seen


def settled(folder: str, column: str, enough) -> dict:
    """What is found as soon as it is enough, or after a minute."""
    deadline = time.monotonic() + 60
    while True:
        try:
            seen = found(folder, column)
        except deltalake.exceptions.TableNotFoundError:
            seen = {}
        check(seen)
        if ("duckdb" in seen and enough(seen)) or time.monotonic() > deadline:
            return seen
        time.sleep(0.5)


def watched(folder: str, place: str) -> tuple:
    """Reads version after version while readings come: versions, fewest and most files, and readings."""
    stop, counts = threading.Event(), []
    host, port = place.split(":")
    writer = threading.Thread(target=publish, args=(host, int(port), stop, counts))
    writer.start()
    versions, fewest, most = set(), 10**9, 0
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        try:
            seen = found(folder)
        except (deltalake.exceptions.TableNotFoundError, FileNotFoundError):
            time.sleep(0.2)
            continue
        check(seen)
        versions.add(seen["version"])
        fewest, most = min(fewest, seen.get("files", fewest)), max(most, seen.get("files", most))
    stop.set()
    writer.join()
    return len(versions), fewest, most, counts[0]


def main() -> None:
    with tempfile.TemporaryDirectory() as root:
        data = pathlib.Path(root) / "data"
        folder = f"{data}/history/main/readings"
        site = Site(sys.argv[1:], data)
        versions, fewest, most, count = watched(folder, site.places["mqtt"])
        seen = settled(folder, "number", lambda seen: seen["duckdb"][0] >= count)
        assert seen["duckdb"] == asked(site.places["http"]), (seen, asked(site.places["http"]))
        assert seen["duckdb"][0] == count, (seen, count)
        site.stop()

        site = Site(AHEAD + sys.argv[1:], data)
        http = site.places["http"]
        days = seen["files"]
        hours = settled(f"{data}/history/main/hours", "readings", lambda hours: hours["duckdb"][1] >= count)
        assert hours["duckdb"] == asked(http, "hours", "readings"), (hours, asked(http, "hours", "readings"))
        assert hours["duckdb"][1] == count, (hours, count)
        weeks = settled(folder, "number", lambda weeks: weeks["files"] <= 8)
        assert weeks["files"] <= 8, (weeks, days)
        assert weeks["duckdb"] == seen["duckdb"] == asked(http), (weeks, seen, asked(http))
        site.stop()
    print(f"{versions} versions read while {count} readings came, {fewest} to {most} files;"
          f" at the end {days} files, then {weeks['files']} of weeks, and deltalake, polars, duckdb, chdb and SQL agree:"
          f" {seen['duckdb']}, and {hours['duckdb'][0]} hours with {hours['duckdb'][1]:.0f} readings")


if __name__ == "__main__":
    main()
