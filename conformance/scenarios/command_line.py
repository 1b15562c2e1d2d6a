"""mosquitto_pub and mosquitto_sub, and MQTT.js."""

import os
import pathlib
import queue
import signal
import subprocess
import threading

from scenario import V5, V311, Failed, check, equal, scenario

DEADLINE = 10.0
NAMES = {V311: "mqttv311", V5: "mqttv5"}


class Program:
    """A client program whose lines are events."""

    def __init__(self, world, *words, text=None):
        # Its lines come as they are written, also through a pipe.
        command = ["stdbuf", "-oL", "-eL", *map(str, words)]
        self.name = words[0]
        self.process = world.closes(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT))
        self.process.close = self.process.kill
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        if text is not None:
            self.process.stdin.write(text)
        self.process.stdin.close()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.decode(errors="replace").rstrip("\n"))
        self.lines.put(None)

    def line(self, containing=""):
        while True:
            try:
                found = self.lines.get(timeout=DEADLINE)
            except queue.Empty:
                raise Failed(f"{self.name} did not say {containing!r} in time") from None
            if found is None:
                raise Failed(f"{self.name} ended without {containing!r}")
            if containing in found:
                return found

    def ends(self):
        said = []
        while (line := self.lines.get(timeout=DEADLINE)) is not None:
            said.append(line)
        equal(self.process.wait(DEADLINE), 0, f"{self.name} ended, saying {said}")
        return said


def at(world):
    return ["-h", world.host, "-p", world.port, "-V", NAMES[world.version]]


def publish(world, *words, text=None):
    return Program(world, "mosquitto_pub", *at(world), *words, text=text).ends()


def subscriber(world, *words, count=1):
    """Waits until the broker has the subscription."""
    program = Program(world, "mosquitto_sub", *at(world), "-d", "-C", count, *words)
    program.line("Subscribed")
    return program


def plain(lines):
    """Without what `-d` tells."""
    return [line for line in lines if not line.startswith(("Client ", "Subscribed"))]


@scenario(V311, V5, client="mosquitto")
def each_QoS_goes_through(world):
    for qos in (0, 1, 2):
        ear = subscriber(world, "-t", world.topic("t"), "-q", qos, "-F", "%q %p", count=2)
        for payload in ("one", "two words"):
            publish(world, "-t", world.topic("t"), "-q", qos, "-m", payload)
        equal(plain(ear.ends()), [f"{qos} one", f"{qos} two words"], "lines")


@scenario(V311, V5, client="mosquitto")
def a_retained_line_greets_and_is_cleared(world):
    publish(world, "-t", world.topic("t"), "-q", 1, "-r", "-m", "kept")
    ear = subscriber(world, "-t", world.topic("#"), "-q", 1, "-F", "%r %p")
    equal(plain(ear.ends()), ["1 kept"], "lines")
    publish(world, "-t", world.topic("t"), "-q", 1, "-r", "-n")
    ear = subscriber(world, "-t", world.topic("#"), "-q", 1, "-F", "%r %p")
    publish(world, "-t", world.topic("other"), "-q", 1, "-m", "live")
    equal(plain(ear.ends()), ["0 live"], "lines")


@scenario(V311, V5, client="mosquitto")
def a_killed_client_leaves_its_will(world):
    ear = subscriber(world, "-t", world.topic("will"), "-q", 1)
    doomed = subscriber(world, "-t", world.topic("x"), "--will-topic", world.topic("will"),
                        "--will-payload", "gone", "--will-qos", 1)
    os.kill(doomed.process.pid, signal.SIGKILL)
    equal(plain(ear.ends()), ["gone"], "lines")


@scenario(V311, V5, client="mosquitto")
def a_session_waits_for_its_client(world):
    stays = ["-c", "-i", world.client_id("anna"), "-t", world.topic("t"), "-q", 1]
    if world.version == V5:
        stays += ["-x", 3600]
    Program(world, "mosquitto_sub", *at(world), *stays, "-E").ends()
    for payload in ("a", "b"):
        publish(world, "-t", world.topic("t"), "-q", 1, "-m", payload)
    ear = Program(world, "mosquitto_sub", *at(world), *stays, "-C", 2)
    equal(ear.ends(), ["a", "b"], "lines")


@scenario(V5, client="mosquitto")
def properties_of_a_line_arrive(world):
    shown = "%p %C %R %D %E %F %P".split()
    ear = subscriber(world, "-t", world.topic("t"), "-F", "|".join(shown))
    publish(world, "-t", world.topic("t"), "-m", "x",
            "-D", "publish", "content-type", "text", "-D", "publish", "response-topic", "r",
            "-D", "publish", "correlation-data", "7", "-D", "publish", "payload-format-indicator", 1,
            "-D", "publish", "message-expiry-interval", 60,
            "-D", "publish", "user-property", "b", "1", "-D", "publish", "user-property", "a", "2")
    equal(plain(ear.ends()), ["x|text|r|7|60|1|b:1 a:2"], "line")


@scenario(V311, V5, client="mosquitto")
def many_lines_come_in_order(world):
    ear = subscriber(world, "-t", world.topic("t"), "-q", 2, count=500)
    numbers = [str(number) for number in range(500)]
    publish(world, "-t", world.topic("t"), "-q", 2, "-l", text="\n".join(numbers).encode())
    equal(plain(ear.ends()), numbers, "lines")


@scenario(V5, client="mosquitto")
def a_group_of_programs_shares(world):
    shared = f"$share/g/{world.topic('t')}"
    ears = [subscriber(world, "-t", shared, "-q", 1, count=5) for _ in range(2)]
    publish(world, "-t", world.topic("t"), "-q", 1, "-l",
            text="\n".join(map(str, range(10))).encode())
    heard = [line for ear in ears for line in plain(ear.ends())]
    equal(sorted(map(int, heard)), list(range(10)), "lines, each once")


@scenario(V311, V5, client="mqtt.js")
def a_client_of_another_language_agrees(world):
    script = pathlib.Path(__file__).parent.parent / "mqttjs.cjs"
    said = Program(world, "node", script, world.host, world.port, world.version, world.prefix).ends()
    check(said and said[-1] == "done", f"the script said {said}")


@scenario(V311, V5, client="mosquitto")
def the_broker_tells_how_it_does(world):
    said = plain(subscriber(world, "-t", "$SYS/broker/uptime", "-F", "%r %p").ends())
    check(said[0].startswith("1 ") and said[0].endswith(" seconds"), f"greeted with {said}")
