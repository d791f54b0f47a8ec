"""Telling a server made for experiments, before anything is measured, what its model will say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

import msgspec

from experiments.measuring.role import Role
from systems.engines.scripted import PATH, Script
from systems.errors import BadInput
from systems.server.settings import MAX_BODY_BYTES

# How long a server may take to answer, in seconds: it may be busy loading.
_PATIENCE_S = 60.0


def planner(role: Role) -> str:
    """Return the address that takes the plan of a trial: that of the engine's process, else that of the subject."""
    return f"http://{role.engine_address}" if role.engine_address else role.address


def post(address: str, scripts: Iterable[Script]) -> None:
    """Add ``scripts`` to the plan of the server at ``address``, of which only host and port matter. Blocks.

    Raises `BadInput` if the server cannot be reached or takes no plan.
    """
    connection = HTTPConnection(urlsplit(address).netloc, timeout=_PATIENCE_S)
    try:
        for body in _bodies(scripts):
            connection.request("POST", PATH, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            response.read()
            if response.status != 204:
                raise BadInput(f"The server at {address} took no plan: {response.status} {response.reason}.")
    except (OSError, HTTPException) as error:
        raise BadInput(f"The server at {address} could not be told the plan: {error}.") from error
    finally:
        connection.close()


def _bodies(scripts: Iterable[Script]) -> Iterator[bytes]:
    """Yield bodies with all ``scripts`` between them, each a `systems.engines.scripted.ScriptPlan` a server takes."""
    waiting: list[bytes] = []
    size = 0
    for script in map(msgspec.json.encode, scripts):
        if waiting and size + len(script) > MAX_BODY_BYTES // 2:
            yield _body(waiting)
            waiting, size = [], 0
        waiting.append(script)
        size += len(script)
    yield _body(waiting)


def _body(scripts: list[bytes]) -> bytes:
    return b'{"scripts":[%b]}' % b",".join(scripts)
