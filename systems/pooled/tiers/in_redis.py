"""The hot tier in a Redis server: what is live no longer and may be asked for again soon."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from systems.errors import BadInput, Unreachable


class RedisStates:
    """Packed states by conversation, of the agent whose folder is ``folder``, in the server at ``address``.

    ``address`` is as redis-py reads it: ``redis://HOST:PORT/DB`` or ``unix://PATH``. At most ``connections`` are open;
    a call that takes ``timeout_s`` is given up. What a killed agent left leaves by itself after ``expires_s``, or when
    the next one of that folder starts. Raises `BadInput` if redis-py is not installed, or for another kind of address.
    """

    def __init__(
        self, address: str, folder: Path, *, connections: int, expires_s: float, timeout_s: float = 1.0
    ) -> None:
        try:
            import redis.asyncio
            import redis.exceptions
        except ImportError as error:
            raise BadInput("A hot tier in Redis needs redis-py: pip install 'fourgig[redis]'.") from error
        self._errors = (redis.exceptions.RedisError, OSError)
        try:
            pool = redis.asyncio.BlockingConnectionPool.from_url(
                address,
                max_connections=connections,
                timeout=timeout_s,
                socket_timeout=timeout_s,
                socket_connect_timeout=timeout_s,
            )
        except ValueError as error:
            raise BadInput(f"The hot tier cannot be at {address}: {error}") from error
        self._client: Any = redis.asyncio.Redis.from_pool(pool)
        self._prefix = f"fourgig:{_digest(str(folder.resolve()))}:"
        self._expires_ms = max(1, int(expires_s * 1000))

    async def open(self) -> None:
        """Let go of what another run left. Raises `Unreachable`."""
        with self._reached():
            left = [key async for key in self._client.scan_iter(match=f"{self._prefix}*", count=1000)]
            if left:
                await self._client.unlink(*left)

    async def put(self, talk: str, packed: bytes) -> None:
        """Hold ``packed`` for ``talk``. Raises `Unreachable`."""
        with self._reached():
            await self._client.set(self._key(talk), packed, px=self._expires_ms)

    async def get(self, talk: str) -> bytes | None:
        """Return what is held of ``talk``, which stays. Raises `Unreachable`."""
        with self._reached():
            found: bytes | None = await self._client.get(self._key(talk))
            return found

    async def take(self, talk: str) -> bytes | None:
        """Return what is held of ``talk``, which is there no longer. Raises `Unreachable`."""
        with self._reached():
            found: bytes | None = await self._client.getdel(self._key(talk))
            return found

    async def delete(self, talks: Sequence[str]) -> None:
        """Hold nothing of ``talks``. Raises `Unreachable`."""
        if talks:
            with self._reached():
                await self._client.delete(*map(self._key, talks))

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose(close_connection_pool=True)

    def _key(self, talk: str) -> str:
        return self._prefix + _digest(talk)

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except self._errors as error:
            raise Unreachable(f"The hot tier's server did not do what it was asked: {error}.") from error


def _digest(name: str) -> str:
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
