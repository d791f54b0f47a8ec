"""What tests of the agent share: short waits before it tries again, and its log."""

import io
import json
import logging

import pytest

from systems.answering import agent
from systems.logs import install


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    monkeypatch.setattr(agent, "RETRY_FIRST_S", 0.001)


@pytest.fixture
def lines():
    """Return a function that gives the log's lines so far, from DEBUG up."""
    stream, log = io.StringIO(), logging.getLogger("systems")
    before = log.level, log.propagate
    handler = install(stream, logging.DEBUG)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    log.removeHandler(handler)
    log.setLevel(before[0])
    log.propagate = before[1]
