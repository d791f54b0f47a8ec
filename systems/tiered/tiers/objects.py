"""Where bundles are kept: a folder, or whatever speaks S3. An object is written whole, under a name of hex digits."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from systems.errors import BadInput, StoreError, Unreachable

T = TypeVar("T")


class ObjectStore(Protocol):
    """Keeps objects by name. Every method raises `Unreachable` if the store does not answer in time, `StoreError`."""

    async def put(self, name: str, data: bytes) -> None:
        """Keep ``data``: all of it or nothing, and for good when this returns."""
        ...

    async def get(self, name: str) -> bytes:
        """Return what is kept. Raises `StoreError` if nothing is."""
        ...

    async def delete(self, name: str) -> None:
        """Keep it no longer; it need not be there."""
        ...


class Folder:
    """Objects as files in ``folder``, which is made when the first is written.

    A folder may be on a network: a call that takes ``timeout_s`` is given up, though its thread goes on.
    """

    def __init__(self, folder: Path, *, timeout_s: float = 10.0) -> None:
        self._folder = folder
        self._timeout_s = timeout_s

    async def put(self, name: str, data: bytes) -> None:
        """Write a file beside the place, and move it there when it is on disk."""

        def put() -> None:
            self._folder.mkdir(parents=True, exist_ok=True)
            begun = self._folder / f"{name}.part"
            try:
                with begun.open("wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                begun.replace(self._folder / name)
            except BaseException:
                begun.unlink(missing_ok=True)
                raise
            folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

        await self._on_thread(put)

    async def get(self, name: str) -> bytes:
        """Read the file."""
        return await self._on_thread((self._folder / name).read_bytes)

    async def delete(self, name: str) -> None:
        """Remove the file, and what a kill left of it."""

        def delete() -> None:
            for place in (self._folder / name, self._folder / f"{name}.part"):
                place.unlink(missing_ok=True)

        await self._on_thread(delete)

    async def _on_thread(self, call: Callable[[], T]) -> T:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await asyncio.to_thread(call)
        except TimeoutError as error:
            raise Unreachable(f"The folder of bundles did not answer within {self._timeout_s:g} s.") from error
        except OSError as error:
            raise StoreError(f"The folder of bundles could not be used: {error.strerror}.") from error


def opened(address: str, folder: Path, *, timeout_s: float = 10.0) -> ObjectStore:
    """Return the objects at ``address``: ``s3://BUCKET/PREFIX``, a folder, or, empty, ``folder``.

    Raises `BadInput` for another kind of address, and if what speaks S3 is not installed.
    """
    if address.startswith("s3://"):
        from systems.tiered.tiers.s3 import S3  # an extra

        return S3(address, timeout_s=timeout_s)
    if "://" in address:
        raise BadInput(f"Bundles are kept in a folder or at s3://BUCKET/PREFIX, not at {address}.")
    return Folder(Path(address) if address else folder, timeout_s=timeout_s)
