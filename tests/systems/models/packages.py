"""A package index of a test's own: a folder with one small wheel, and a server that stops halfway through it."""

from __future__ import annotations

import hashlib
import os
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest

from systems.models.published import Member, Published, Use

NAME = "small_model-1.0-py3-none-any.whl"


def wheel(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write a wheel with these files, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    about = {
        "small_model-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: small-model\nVersion: 1.0\n",
        "small_model-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**files, **about, "small_model-1.0.dist-info/RECORD": b""}.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return path


def published(path: Path, files: Mapping[str, bytes], use: Use = "embeddings") -> Published:
    """Return the entry of a catalogue that describes the wheel, with all of ``files`` to keep."""
    return Published(
        name="small",
        use=use,
        title="Small",
        summary="a few bytes",
        languages=(),
        licence="MIT",
        card="https://example.org/small",
        package="small-model",
        version="1.0",
        wheel_bytes=path.stat().st_size,
        wheel_sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        members=tuple(
            Member(path=name, size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
            for name, content in files.items()
        ),
    )


def only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pip know of this folder alone, however this machine has it configured."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))


def unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pip know of an index alone that does not answer."""
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # nobody serves the port "discard"


# What a process of its own runs: it knows the entry that its first argument holds, and fetches the model.
FETCH = """
import sys
import msgspec
from systems.models import fetching, published
published.PUBLISHED["small"] = msgspec.json.decode(sys.argv[1], type=published.Published)
print(fetching.fetched("small"))
"""


def told(model: Published) -> str:
    """Return the entry as `FETCH` reads it."""
    return msgspec.json.encode(model).decode()


class HalfWay:
    """An index over HTTP that sends half of the wheel, and the rest once ``go_on`` is set."""

    def __init__(self, path: Path, address: str) -> None:
        self.url = f"http://{address}/simple"
        self.path = path
        self.sent_half = threading.Event()
        self.go_on = threading.Event()


@contextmanager
def half_way(path: Path) -> Iterator[HalfWay]:
    """Serve the wheel at ``path``."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            whole = path.read_bytes()
            if not self.path.endswith(".whl"):
                whole = f'<!DOCTYPE html><html><body><a href="/{NAME}">{NAME}</a></body></html>'.encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream" if self.path.endswith(".whl") else "text/html")
            self.send_header("Content-Length", str(len(whole)))
            self.end_headers()
            half = len(whole) // 2 if self.path.endswith(".whl") else len(whole)
            try:
                self.wfile.write(whole[:half])
                self.wfile.flush()
                if half < len(whole):
                    index.sent_half.set()
                    index.go_on.wait()
                    self.wfile.write(whole[half:])
            except OSError:  # whoever asked was killed
                return

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    index = HalfWay(path, f"127.0.0.1:{server.server_address[1]}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield index
    finally:
        index.go_on.set()
        server.shutdown()
        server.server_close()
