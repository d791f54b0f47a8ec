"""Structured logs: one JSON object a line, from the standard library's logging.

Nothing a user said is ever written: events carry names, numbers and types, and of an exception its type and its
frames, since its message may quote the text it failed on. Sessions are named by a digest: who knows a session's name
can read its memories.
"""

from __future__ import annotations

import hashlib
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec

from systems.errors import FourgigError


def event(log: logging.Logger, level: int, name: str, *, traced: BaseException | None = None, **fields: Any) -> None:
    """Log the event ``name`` with its ``fields``, and with the frames of ``traced``."""
    log.log(level, name, exc_info=traced, extra={"fields": fields})


def swallowed(log: logging.Logger, name: str, error: BaseException, **fields: Any) -> None:
    """Log an error that goes no further: a warning if it is one of ours or the machine's, with frames if not."""
    planned = isinstance(error, (FourgigError, OSError))
    fields["error"] = type(error).__name__
    event(log, logging.WARNING if planned else logging.ERROR, name, traced=None if planned else error, **fields)


def session_digest(session: str) -> str:
    """Return the name of ``session`` in logs: always the same one, so that its lines can be found."""
    return hashlib.blake2b(session.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON: time (UTC), level, logger, event, its fields, error and frames."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = type(record.exc_info[1]).__name__
            line["traceback"] = _frames(record.exc_info[1])
        return msgspec.json.encode(line, enc_hook=str).decode()


def install(stream: TextIO | None = None, level: int = logging.INFO) -> logging.Handler:
    """Write what `systems` logs to ``stream`` (standard error by default), from ``level`` up; return the handler.

    Other packages' logs are left alone: some of them quote what they carry.
    """
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    handler.setFormatter(JsonLines())
    log = logging.getLogger("systems")
    log.addHandler(handler)
    log.setLevel(level)
    log.propagate = False
    return handler


def _frames(error: BaseException | None) -> list[str]:
    lines: list[str] = []
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        lines.append(type(error).__name__)
        lines += [
            f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
        ]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return lines
