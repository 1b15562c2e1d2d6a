"""All scenarios: importing a module registers those in it."""

from scenarios import (  # noqa: F401
    command_line, delivery, faults, flow, properties, retaining, sessions, subscribing, wills,
)
