"""Backups of a site under load, each restored and compared with what was acknowledged.

Arguments: the program, and what is given to it before its command. A backup holds a prefix of what came: all
that was acknowledged before it began, nothing twice, and nothing missing in between.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import paho.mqtt.client as mqtt

ROUNDS = 8
WINDOW = 200


class Site:
    def __init__(self, program: list, data: pathlib.Path) -> None:
        flags = ["--anonymous", "--data", str(data), "--mqtt", "127.0.0.1:0", "--http", "127.0.0.1:0", "--postgres", "off"]
        self.process = subprocess.Popen(
            program + ["serve"] + flags, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.places = {}
        for line in self.process.stdout:
            word, _, place = line.strip().partition(" ")
            if word == "ready":
                break
            self.places[word] = place

    def ask(self, sql: str) -> dict:
        request = urllib.request.Request(f"http://{self.places['http']}/api/sql", data=sql.encode())
        return json.load(urllib.request.urlopen(request, timeout=60))[0]

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait(60) == 0


class Load:
    """Numbers without a gap, and up to which of them all were acknowledged."""

    def __init__(self, place: str) -> None:
        self.acknowledged = 0
        self.over = False
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="load")
        self.client.max_inflight_messages_set(WINDOW)
        host, port = place.split(":")
        self.client.connect(host, int(port))
        self.client.loop_start()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self) -> None:
        number, sent = 0, []
        while not self.over or sent:
            if not self.over:
                body = json.dumps({"ts": 1_795_000_000_000 + number * 1_000, "n": number})
                sent.append(self.client.publish("backup/device", body, qos=1))
                number += 1
            if self.over or len(sent) == WINDOW:
                for message in sent:
                    message.wait_for_publish(60)
                self.acknowledged, sent = number, []

    def stop(self) -> None:
        self.over = True
        self.thread.join()
        self.client.disconnect()
        self.client.loop_stop()


def command(program: list, *words: str) -> str:
    done = subprocess.run(program + list(words), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done
    return done.stdout


def main() -> None:
    program = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        data, saved = folder / "data", folder / "saved"
        site = Site(program, data)
        load = Load(site.places["mqtt"])
        time.sleep(3)
        for index in range(ROUNDS):
            before = load.acknowledged
            told = command(program, "backup", str(saved), "--data", str(data)).splitlines()[1]
            copy = folder / f"copy{index}"
            command(program, "restore", str(saved), "--data", str(copy))
            command(program, "verify", str(copy))
            restored = Site(program, copy)
            row = restored.ask("SELECT count(*) AS n, min(number) AS low, max(number) AS high FROM readings WHERE signal = 'n'")
            restored.stop()
            assert row["low"] == 0 and row["high"] + 1 == row["n"] >= before, (row, before)
            print(f"acknowledged before {before}, restored {row['n']:.0f} without a gap; {told}", flush=True)
        load.stop()
        site.stop()


if __name__ == "__main__":
    main()
