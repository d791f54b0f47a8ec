"""What both kinds of wire need to reach a host: its addresses, within a deadline, and certificates to check."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import Future

LookUp = Callable[[str, int], list[str]]
"""Gives the addresses of a host, in numbers; raises OSError. It may block for longer than anybody wants to wait."""


def look_up(host: str, port: int) -> list[str]:
    """Ask this machine's resolver."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(f"{host} is no name of a host") from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def looked_up(ask: LookUp, host: str, port: int) -> Future[list[str]]:
    """Return the addresses to come.

    A resolver cannot be interrupted, so it is asked on a thread of its own: whoever waits can leave it to itself, and
    neither the event loop's own threads nor the end of the program wait for it.
    """
    addresses: Future[list[str]] = Future()

    def work() -> None:
        try:
            addresses.set_result(ask(host, port))
        except BaseException as error:  # noqa: BLE001 - whatever it is belongs to whoever asked
            addresses.set_exception(error)

    if addresses.set_running_or_notify_cancel():
        threading.Thread(target=work, name=f"look-up {host}", daemon=True).start()
    return addresses


class Certificates:
    """This machine's certificates of authority, loaded when they are first needed: it takes some 20 ms."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext:
        """Return what checks certificates."""
        with self._lock:
            if self._context is None:
                self._context = ssl.create_default_context()
            return self._context
