"""A study whose subjects talk to a small server; ``SERVED`` in the environment chooses among them."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import ClassVar

from experiments.measuring.records import ServiceSpec
from experiments.measuring.services import Service
from experiments.measuring.study import Cell, Study

SERVER = Path(__file__).with_name("small_server.py")


def ask(address, what):
    """Send a word to the server and return what it answers."""
    with socket.socket(socket.AF_UNIX if address.startswith("/") else socket.AF_INET) as client:
        host, _, port = address.partition(":")
        client.connect(address if address.startswith("/") else (host, int(port)))
        client.sendall(what.encode())
        return client.recv(100).decode()


class Small(Service):
    name = "small"
    summary = "A small server on a socket."
    remedy = "nothing to do"
    stops_within_s = 20.0

    def missing(self):
        return ""

    def version(self):
        return "1.2"

    def command(self, folder, address):
        return [sys.executable, str(SERVER), address, self.name]

    def ready(self, address):
        return ask(address, "ping") == "pong"


class OnPort(Small):
    name = "on-port"
    listens = "port"


class Silent(Small):
    """Runs, says why it takes long, and never listens."""

    name = "silent"
    ready_within_s = 1.0


class Stubborn(Small):
    """Ignores SIGTERM, and starts a child in a session of its own."""

    name = "stubborn"
    stops_within_s = 0.2


class Broken(Small):
    name = "broken"

    def command(self, folder, address):
        return ["/nowhere/to/be/found"]


class Faulty(Small):
    """Fails in its own way when it is asked whether the server is ready."""

    name = "faulty"

    def ready(self, address):
        raise LookupError("no such greeting")


class Updated(Small):
    """Has the version that the environment says."""

    name = "updated"

    def version(self):
        return os.environ.get("VERSION", "1.2")


class Nameless(Small):
    """Cannot say which version it is."""

    name = "nameless"

    def version(self):
        return subprocess.run(["false"], check=True).stdout


class Wordless(Small):
    """Fails in its own way when it is asked what to start."""

    name = "wordless"

    def command(self, folder, address):
        raise LookupError("half \ud800 of a command")


class Hungry(Small):
    """Takes more memory than the smallest profile has before it is ready."""

    name = "hungry"


class Absent(Small):
    """There only where the environment says so."""

    name = "absent"
    remedy = "set THERE"

    def missing(self):
        return "" if "THERE" in os.environ else "nobody installed it"


class Wanted:
    """A requirement that is no service."""

    name = "wanted"
    remedy = "set THERE"

    def missing(self):
        return "" if "THERE" in os.environ else "it is not there"


class Served(Study):
    """Subjects that are named for their service, and whether it is inside the limits."""

    name = "served"
    question = "Is the server served?"
    parts: ClassVar[dict[str, str]] = {"all": "Every subject."}
    references = ("small-inside",)
    measures = ("total_time",)

    def grid(self, request):
        return [self._cell(name) for name in os.environ.get("SERVED", "small-inside").split(",")]

    def _cell(self, name):
        service, _, where = name.rpartition("-")
        cell = {"part": "all", "condition": {"n": 1}, "subject": name, "timeout_s": 60.0}
        if where == "needs":
            return Cell(requires=(service,), **cell)
        if where == "impossible":
            return Cell(impossible="nobody could do it", **cell)
        return Cell(services=(ServiceSpec(name=service, inside=where == "inside"),), **cell)

    def run_subject(self, role):
        if role.spec.services:
            address = role.service(role.spec.services[0].name)
            role.part.values["pid"] = float(ask(address, "pid"))
            role.part.values["cpus"] = float(ask(address, "cpus"))
            if "KEEP" in os.environ:
                ask(address, "wait")
            elif role.spec.subject == "small-dies":
                ask(address, "die")
                time.sleep(600)
            elif role.spec.subject == "small-crashes":
                raise ConnectionResetError(ask(address, "die slowly"))
        role.outside_look()
