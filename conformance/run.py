"""Foreign clients against a broker that runs: `run.py HOST PORT`, usually by `cargo xtask conformance`."""

import argparse
import collections
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import scenario  # noqa: E402
import scenarios  # noqa: E402, F401


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("--only", action="append", default=[], help="part of a scenario's name")
    parser.add_argument("--client", action="append", default=[], help="paho, mosquitto, mqtt.js")
    plan = parser.parse_args()
    chosen = [
        it for it in scenario.ALL
        if (not plan.only or any(part in it.name for part in plan.only))
        and (not plan.client or it.client in plan.client)
    ]
    outcomes = scenario.play(chosen, plan.host, plan.port)
    counts = collections.Counter(outcome.word for outcome in outcomes)
    print("\n" + ", ".join(f"{count} {word}" for word, count in counts.items()))
    return 1 if not outcomes or any(outcome.is_bad for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
