"""The client of a trial of the part ``connections``: several who ask, each again when it was answered."""

from __future__ import annotations

import asyncio
import ssl
import time
from functools import partial

import msgspec
import numpy as np

from experiments.measuring.role import Role
from experiments.studies.strategies._answering import CERTIFICATE, CLOSE, NOTE, QUESTION, SILENCE
from experiments.studies.strategies._pool import Care, Multiplexed, OverHttp, OverWebSocket, Pool

_DROPS = {"closed": CLOSE, "silent": SILENCE}
_SETTLES_S = 0.02  # until this side has heard of what the other has closed
_WARM = 3
_PING_S = 0.05  # how long the answer to a ping is waited for


def run(role: Role) -> None:
    """Ask, and note how long it took and what failed."""
    asyncio.run(_run(role))


async def _run(role: Role) -> None:
    condition = role.spec.condition
    at_once, rounds = int(condition["at_once"] or 1), int(condition["rounds"] or 1)
    each = int(condition["requests"] or 0) // at_once // rounds
    warm = _pool(role, at_once)
    for _ in range(_WARM):
        await warm.ask()
    await warm.close()
    pool = _pool(role, at_once)
    answered: list[float] = []
    used_s = 0.0
    await _command(role, f"{NOTE}opened")
    for number in range(rounds):
        began = time.process_time()
        for some in await asyncio.gather(*(_ask(pool, each) for _ in range(at_once))):
            answered += some
        used_s += time.process_time() - began
        if number < rounds - 1:
            await _command(role, _DROPS[str(condition["drops"])])
            await asyncio.sleep(_SETTLES_S)
    await _command(role, f"{NOTE}served")
    role.part.values |= {
        "requests": float(each * rounds * at_once),
        "answered": float(len(answered)),
        "answered_s": round(sum(answered), 6),
        "opened": float(pool.opened),
        "asking_cpu_s": round(used_s, 6),
    }
    if answered:
        role.part.values["answered_p99_s"] = round(float(np.percentile(answered, 99)), 6)
    await pool.close()


def _pool(role: Role, at_once: int) -> Pool | Multiplexed:
    settings, deadline_s = role.spec.settings, float(role.spec.condition["deadline_s"] or 0)
    if settings.get("multiplexed"):
        return Multiplexed(role.address, QUESTION, deadline_s)
    kind = OverHttp if role.spec.condition["speaks"] == "http" else OverWebSocket
    care = msgspec.convert({**settings, "most": settings["most"] or at_once}, Care)
    return Pool(partial(kind.open, role.address, QUESTION, _tls(role)), care, deadline_s, _PING_S)


async def _ask(pool: Pool | Multiplexed, requests: int) -> list[float]:
    """Ask so many requests, one after another; return the seconds of those that were answered."""
    took = []
    for _ in range(requests):
        began = time.perf_counter()
        try:
            await pool.ask()
        except OSError:
            continue
        took.append(time.perf_counter() - began)
    return took


async def _command(role: Role, path: str) -> None:
    """Have the server do something, on a connection of its own."""
    connection = await OverHttp.open(role.address, path, _tls(role))
    await connection.ask(last=True)
    await connection.end()


def _tls(role: Role) -> ssl.SSLContext | None:
    if not role.spec.condition["tls"]:
        return None
    return ssl.create_default_context(cafile=role.work_dir / CERTIFICATE)
