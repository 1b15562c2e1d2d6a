"""Programs that read a site's tables from its folder, while the site writes, merges and removes files.

Arguments: the site's data directory, host and port of MQTT, address of HTTP. A reading never changes,
so at every moment all programs must find the same rows in one version of the table, and the last
version must have all that were acknowledged.
"""

import json
import sys
import threading
import time
import urllib.request

import chdb
import deltalake
import duckdb
import paho.mqtt.client as mqtt
import polars

DEVICES = 8
SECONDS = 40


def publish(host: str, port: int, stop: threading.Event, counts: list) -> None:
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="tables")
    client.max_inflight_messages_set(500)
    client.connect(host, port)
    client.loop_start()
    start = int(time.time()) - 2 * 86_400
    step, sent = 0, []
    while not stop.is_set():
        for device in range(DEVICES):
            at = (start + step) * 1_000 + device
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


def main() -> None:
    data, host, port, http = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    folder = f"{data}/history/main/readings"
    stop, counts = threading.Event(), []
    writer = threading.Thread(target=publish, args=(host, port, stop, counts))
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
    seen = settled(folder, "number", lambda seen: seen["duckdb"][0] >= counts[0])
    assert seen["duckdb"] == asked(http), (seen, asked(http))
    assert seen["duckdb"][0] == counts[0], (seen, counts)
    # The day is over, so its hours are made of the same readings.
    hours = settled(f"{data}/history/main/hours", "readings", lambda seen: seen["duckdb"][1] >= counts[0])
    assert hours["duckdb"] == asked(http, "hours", "readings"), (hours, asked(http, "hours", "readings"))
    assert hours["duckdb"][1] == counts[0], (hours, counts)
    print(f"{len(versions)} versions read while {counts[0]} readings came, {fewest} to {most} files;"
          f" at the end {seen['files']} files, and deltalake, polars, duckdb, chdb and SQL agree: {seen['duckdb']},"
          f" and {hours['duckdb'][0]} hours with {hours['duckdb'][1]:.0f} readings")


if __name__ == "__main__":
    main()
