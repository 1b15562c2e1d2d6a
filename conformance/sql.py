"""Programs that ask in SQL, as they are: psql, psycopg, and pandas through SQLAlchemy.

Arguments: host, port of MQTT, port of PostgreSQL's protocol.
"""

import datetime
import json
import subprocess
import sys
import time

import pandas
import paho.mqtt.client as mqtt
import psycopg2
import sqlalchemy

DEVICE = "sql/greenhouse"
START = datetime.datetime(2026, 11, 1, tzinfo=datetime.timezone.utc)
COUNT = 100


def publish(host: str, port: int) -> None:
    """Every reading is acknowledged when this returns, so SQL has all of them."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="sql")
    client.connect(host, port)
    client.loop_start()
    for step in range(COUNT):
        at = START + datetime.timedelta(minutes=step)
        reading = {"time": at.isoformat(), "temperature": step / 2, "door": "open"}
        client.publish(DEVICE, json.dumps(reading), qos=1).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


def psql(host: str, port: int, *commands: str) -> str:
    arguments = ["psql", "-h", host, "-p", str(port), "-U", "anybody", "-d", "althing", "-At"]
    for command in commands:
        arguments += ["-c", command]
    return subprocess.run(arguments, check=True, capture_output=True, text=True, timeout=60).stdout


def psql_asks_and_describes(host: str, port: int) -> None:
    counted = psql(host, port, f"SELECT count(*), sum(number) FROM readings WHERE device = '{DEVICE}'"
                   " AND signal = 'temperature'")
    assert counted.strip() == f"{COUNT}|2475.0", counted
    tables = psql(host, port, "\\dt")
    assert "public|readings|table" in tables, tables
    columns = psql(host, port, "\\d readings")
    assert "time|timestamp with time zone||not null" in columns, columns
    assert "number|double precision" in columns, columns


def psycopg_binds_parameters(host: str, port: int) -> None:
    with psycopg2.connect(host=host, port=port, user="anybody", dbname="althing") as connection:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT time, number FROM readings WHERE device = %s AND time >= %s AND number IS NOT"
                " NULL ORDER BY time",
                (DEVICE, START + datetime.timedelta(minutes=COUNT - 2)),
            )
            rows = cursor.fetchall()
    assert [number for _, number in rows] == [(COUNT - 2) / 2, (COUNT - 1) / 2], rows
    assert rows[0][0] == START + datetime.timedelta(minutes=COUNT - 2), rows


def a_write_is_refused(host: str, port: int) -> None:
    connection = psycopg2.connect(host=host, port=port, user="anybody", dbname="althing")
    try:
        connection.cursor().execute("DELETE FROM readings")
    except psycopg2.errors.ReadOnlySqlTransaction:
        return
    finally:
        connection.close()
    raise AssertionError("a DELETE went through")


def pandas_reads_through_sqlalchemy(host: str, port: int) -> None:
    engine = sqlalchemy.create_engine(f"postgresql+psycopg2://anybody@{host}:{port}/althing")
    assert "readings" in sqlalchemy.inspect(engine).get_table_names()
    query = sqlalchemy.text(
        "SELECT time_bucket('10 minutes', time) AS t, avg(number) AS mean FROM readings"
        " WHERE device = :device AND signal = 'temperature' GROUP BY 1 ORDER BY 1"
    )
    frame = pandas.read_sql(query, engine, params={"device": DEVICE})
    assert len(frame) == COUNT // 10, frame
    assert str(frame["t"].dt.tz) == "UTC", frame.dtypes
    assert frame["mean"].iloc[0] == 2.25, frame
    engine.dispose()


def main() -> None:
    host, mqtt_port, port = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    publish(host, mqtt_port)
    for scenario in (
        psql_asks_and_describes,
        psycopg_binds_parameters,
        a_write_is_refused,
        pandas_reads_through_sqlalchemy,
    ):
        since = time.monotonic()
        scenario(host, port)
        took = time.monotonic() - since
        print(f"             ok  sql             {took:5.2f} s  {scenario.__name__.replace('_', ' ')}", flush=True)


if __name__ == "__main__":
    main()
