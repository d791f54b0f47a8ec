"""Bundles in a bucket of whatever speaks S3, by obstore: one small library without others behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import TypeVar

from systems.errors import BadInput, StoreError, Unreachable

T = TypeVar("T")

_RETRIES = 2


class S3:
    """Objects under ``address`` (``s3://BUCKET/PREFIX``); a call that takes ``timeout_s`` is given up.

    Keys, region and endpoint are read from the environment, as by other programs: AWS_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL. Raises `BadInput` if obstore is not installed, or the address
    or what the environment says is wrong.
    """

    def __init__(self, address: str, *, timeout_s: float = 10.0) -> None:
        try:
            import obstore
            from obstore.store import S3Store
        except ImportError as error:
            raise BadInput("Bundles at s3:// need obstore: pip install 'fourgig[s3]'.") from error
        limit = timedelta(seconds=timeout_s)
        try:
            self._store = S3Store.from_url(
                address,
                client_options={"timeout": limit, "connect_timeout": limit, "allow_http": True},
                retry_config={"max_retries": _RETRIES, "retry_timeout": limit},
            )
        except (obstore.exceptions.BaseError, ValueError) as error:
            raise BadInput(f"Bundles cannot be kept at {address}: {error}") from error
        self._obstore = obstore
        self._timeout_s = timeout_s

    async def put(self, name: str, data: bytes) -> None:
        """Upload ``data``: S3 shows an object when all of it is there."""
        await self._answer(self._obstore.put_async(self._store, name, data))

    async def get(self, name: str) -> bytes:
        """Download the object."""

        async def get() -> bytes:
            found = await self._obstore.get_async(self._store, name)
            return bytes(await found.bytes_async())

        return await self._answer(get())

    async def delete(self, name: str) -> None:
        """Delete the object; S3 does not mind if it is not there."""
        try:
            await self._answer(self._obstore.delete_async(self._store, name))
        except _NotThere:
            return

    async def _answer(self, call: Awaitable[T]) -> T:
        exceptions = self._obstore.exceptions
        try:
            async with asyncio.timeout(self._timeout_s):
                return await call
        except TimeoutError as error:
            raise Unreachable(f"The object store did not answer within {self._timeout_s:g} s.") from error
        except (FileNotFoundError, exceptions.NotFoundError) as error:
            raise _NotThere("The object store does not have this bundle.") from error
        except (exceptions.GenericError, OSError) as error:
            raise Unreachable(f"The object store could not be reached: {_first_line(error)}.") from error
        except exceptions.BaseError as error:
            raise StoreError(f"The object store refused: {_first_line(error)}.") from error


class _NotThere(StoreError):
    """There is no such object."""


def _first_line(error: Exception) -> str:
    """Return what an error says without the details that follow, which repeat it."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
