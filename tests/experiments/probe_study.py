"""A study whose subjects end in every way a trial can end. ``PROBE`` in the environment chooses among them."""

import json
import mmap
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import ClassVar

from experiments.measuring.records import RequestRow
from experiments.measuring.study import Cell, Study

SILENT = ("hangs", "ignores", "stops", "client_hangs", "daemon-hangs", "daemon-bare", "closes-hangs")

# Leaves its session and its parent, and says who it is.
DAEMON = """
import os, sys, time
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
with open(sys.argv[1], "a") as file:
    file.write(f"{os.getpid()}\\n")
time.sleep(1000)
"""


class Mute(Exception):
    """What it says cannot be read."""

    def __str__(self):
        raise LookupError("no words")


class Own(BaseException):
    """Passes by whoever catches what usually goes wrong."""


def _recurse(depth):
    return _recurse(depth + 1)


class Probe(Study):
    """Ways to end."""

    name = "probe"
    question = "How does a trial end?"
    references = ("fine", "timed-1")
    measures = ("total_time",)
    primary = ("total_time",)
    parts: ClassVar[dict[str, str]] = {"alone": "A subject without a client.", "asked": "A subject with a client."}

    def grid(self, request):
        chosen = os.environ.get("PROBE", "fine").split(",")
        return [
            Cell(
                condition={"n": 1},
                subject=name,
                part="asked" if name.startswith("client") else "alone",
                timeout_s=2.0 if name in SILENT else 60.0,
            )
            for name in chosen
        ]

    def has_client(self, spec):
        return spec.subject.startswith("client")

    def run_client(self, role):
        match role.spec.subject:
            case "client_dies":
                os.kill(os.getpid(), signal.SIGKILL)
            case "client_feeds":
                block = [bytes([number % 256]) * 2**20 for number in range(6 * 1024)]
                role.part.values["allocated"] = float(len(block))
            case "client_raises":
                raise ValueError("a defect of the client")
            case "client_hangs":
                time.sleep(600)
            case "client_left":
                time.sleep(600)

    def run_subject(self, role):
        print("this is printed, and must not disturb the protocol")
        getattr(self, "_" + role.spec.subject.split("-")[0])(role)

    def _fine(self, role):
        role.part.values["seed"] = role.spec.seed
        role.outside_look()

    def _timed(self, role):
        seconds = float(role.spec.subject.split("-")[1])
        role.part.requests = [
            RequestRow(intended_s=0.0, started_s=0.0, first_token_s=None, finished_s=seconds, outcome="ok")
        ]
        role.outside_look()

    def _naps(self, role):
        time.sleep(0.2)
        role.outside_look()

    def _allocates(self, role):
        block = [bytes([number % 256]) * 2**20 for number in range(6 * 1024)]
        role.part.values["allocated"] = float(len(block))
        role.outside_look()

    def _beyond(self, role):
        # The child is what the kernel chooses; what came of it is noted.
        source = (
            "open('/proc/self/oom_score_adj', 'w').write('1000'); blocks = [bytes([1]) * 2**20 for _ in range(6144)]"
        )
        role.part.values["status"] = float(subprocess.run([sys.executable, "-c", source]).returncode)
        role.part.went_beyond = True
        role.outside_look()

    def _maps(self, role):
        size = role.spec.profile.memory_bytes + 512 * 2**20
        path = role.work_dir / "large"
        with path.open("wb") as file:
            file.truncate(size)
        with path.open("rb") as file:
            while file.read(2**24):
                pass
        role.outside_look()

    def _hangs(self, role):
        while True:
            time.sleep(60)

    def _raises(self, role):
        raise ValueError("a defect of the subject")

    def _colours(self, role):
        print("x" * 2**19)
        raise ValueError("\x1b[31m[bold]red[/]\x07")

    def _dies(self, role):
        os.kill(os.getpid(), 9)

    def _half(self, role):
        part = role.work_dir / "subject-part.json"
        part.write_text(json.dumps({"role": "subject", "values": {"a": 1.0}})[:-5])
        os._exit(0)

    def _child(self, role):
        child = subprocess.Popen(["sleep", "1000"])
        role.part.values["child"] = child.pid
        role.outside_look()

    def _ignores(self, role):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)

    def _stops(self, role):
        os.kill(os.getpid(), signal.SIGSTOP)

    def _faults(self, role):
        os.kill(os.getpid(), signal.SIGSEGV)

    def _aborts(self, role):
        os.abort()

    def _truncates(self, role):
        path = role.work_dir / "mapped"
        path.write_bytes(b"x" * 2**16)
        with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
            os.truncate(path, 0)
            role.part.values["byte"] = float(mapped[2**15])

    def _leaves(self, role):
        os._exit(0)

    def _nonsense(self, role):
        (role.work_dir / "subject-part.json").write_text('{"role": "nobody"}')
        os._exit(0)

    def _chatters(self, role):
        for _ in range(3000):
            print("x" * 1023)
        role.outside_look()

    def _grandchild(self, role):
        # Out of the session and the process group, and holding the pipe to the runner open.
        child = subprocess.Popen(
            [sys.executable, "-c", "import os, time; os.setsid(); print(os.getpid(), flush=True); time.sleep(1000)"],
            stdout=subprocess.PIPE,
            pass_fds=[role._to_runner],
        )
        role.part.values["child"] = float(child.stdout.readline())
        role.outside_look()

    def _daemon(self, role):
        # Started like this, it belongs to no group or session of the trial's, and outlives whoever is killed.
        end, pids = role.spec.subject.split("-")[1], Path(os.environ["PIDS"])
        before = pids.read_text() if pids.exists() else ""
        subprocess.run(
            [sys.executable, "-S", "-c", DAEMON, str(pids)], check=True, env={} if end == "bare" else os.environ
        )
        while not (pids.exists() and pids.read_text() != before):
            time.sleep(0.01)
        match end:
            case "dies":
                os.kill(os.getpid(), signal.SIGKILL)
            case "leaves":
                role.leave()
            case "ends":
                role.outside_look()
            case _:
                time.sleep(600)

    def _status(self, role):
        os._exit(int(role.spec.subject.split("-")[1]))

    def _signal(self, role):
        os.kill(os.getpid(), int(role.spec.subject.split("-")[1]))

    def _exits(self, role):
        sys.exit(0 if role.spec.subject.endswith("0") else "goodbye \x1b[31m[bold]")

    def _closes(self, role):
        os.closerange(0, 256)
        if role.spec.subject.endswith("hangs"):
            time.sleep(600)
        role.outside_look()

    def _garbles(self, role):
        (role.work_dir / "subject-part.json").write_bytes(b'{"role": "subject", "values": {"\xff": 1.0}}')
        os._exit(0)

    def _throws(self, role):
        match role.spec.subject.split("-")[1]:
            case "mute":
                raise Mute
            case "surrogates":
                raise ValueError("half \ud800 of a pair")
            case "enormous":
                raise ValueError("it was too much" + "\nof everything" * 2**18)
            case "group":
                raise ExceptionGroup("two at once", [ValueError("the first"), TypeError("the second")])
            case "recursion":
                _recurse(0)
            case "own":
                raise Own("not an Exception")
            case "interrupt":
                raise KeyboardInterrupt
            case "noted":
                error = ValueError("with a note")
                error.add_note("what nobody asked for")
                raise error
            case "syntax":
                compile("def broken(:", "broken.py", "exec")
            case "unwritable":
                role.part.values["half \ud800 of a pair"] = 1.0

    def _swarms(self, role):
        children = [subprocess.Popen(["sleep", "1000"]) for _ in range(30)]
        role.part.values["child"] = children[-1].pid
        role.outside_look()

    def _feeds(self, role):
        # The kernel may kill the child, the parent, or both: it is out of memory all the same.
        code = "block = [bytes([n % 256]) * 2**20 for n in range(6 * 1024)]"
        role.part.values["child"] = float(subprocess.run([sys.executable, "-c", code], check=False).returncode)
        role.outside_look()

    def _client_dies(self, role):
        role.listening("nowhere")

    _client_raises = _client_hangs = _client_feeds = _client_dies

    def _client_left(self, role):
        # The subject is gone before its client has finished.
        threading.Timer(0.5, os._exit, [3]).start()
        role.listening("nowhere")

    def _fills(self, role):
        run_folder = role.work_dir.parents[1]
        (run_folder / "filler").write_bytes(b"x" * (12 * 2**20))
        assert Path(run_folder / "run.json").exists()
        role.outside_look()
