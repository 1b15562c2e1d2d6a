"""Scenarios: how they are written down, run and reported."""

import dataclasses
import itertools
import time
import traceback

V311, V5 = 4, 5
VERSION_NAMES = {V311: "3.1.1", V5: "5", None: ""}

ALL = []


class Failed(Exception):
    """The broker did something else than the standard says."""


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    run: callable
    client: str
    versions: tuple
    expected_failure: str | None


def scenario(*versions, client="paho", expected_failure=None):
    """Registers a function. It gets a `World`, and the version if it is for more than one.

    `expected_failure` says what the broker does not do yet. The run stays green then, and turns
    red when the scenario passes: the mark has to go.
    """

    def register(run):
        name = run.__name__.replace("_", " ")
        ALL.append(Scenario(name, run, client, versions or (None,), expected_failure))
        return run

    return register


def check(condition, what):
    if not condition:
        raise Failed(what)


def equal(found, wanted, what):
    check(found == wanted, f"{what}: {found!r} where {wanted!r} was due")


class World:
    """One scenario's view of the broker: names that no other scenario has, and what to close."""

    _numbers = itertools.count(1)

    def __init__(self, host, port, version):
        self.host, self.port, self.version = host, port, version
        self.prefix = f"c{next(World._numbers)}"
        self._closing = []

    def topic(self, rest):
        return f"{self.prefix}/{rest}"

    def client_id(self, name):
        return f"{self.prefix}-{name}"

    def closes(self, what):
        self._closing.append(what)
        return what

    def end(self):
        for what in reversed(self._closing):
            try:
                what.close()
            except OSError:
                continue  # It is closed already.


@dataclasses.dataclass
class Outcome:
    scenario: Scenario
    version: int | None
    seconds: float
    fault: str | None

    @property
    def word(self):
        expected = self.scenario.expected_failure is not None
        return {
            (False, False): "ok",
            (False, True): "FAILED",
            (True, True): "expected",
            (True, False): "UNEXPECTED PASS",
        }[expected, self.fault is not None]

    @property
    def is_bad(self):
        return self.word.isupper()

    def line(self):
        version = VERSION_NAMES[self.version]
        head = f"{self.word:>15}  {self.scenario.client:<9} {version:<6}{self.seconds:6.2f} s"
        note = self.scenario.expected_failure if self.word == "expected" else self.fault
        return f"{head}  {self.scenario.name}" + (f"\n{'':>17}{note}" if note else "")


def play(chosen, host, port):
    """Runs the scenarios one after the other and prints a line for each."""
    outcomes = []
    for it in chosen:
        for version in it.versions:
            world = World(host, port, version)
            since = time.monotonic()
            fault = None
            try:
                it.run(world)
            except Failed as failed:
                fault = str(failed)
            except Exception:
                fault = traceback.format_exc(limit=-3).strip()
            finally:
                world.end()
            outcomes.append(Outcome(it, version, time.monotonic() - since, fault))
            print(outcomes[-1].line(), flush=True)
    return outcomes
