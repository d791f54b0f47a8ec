"""A study whose subjects end in every way a trial can end. ``PROBE`` in the environment chooses among them."""

import json
import os
import subprocess
import time
from pathlib import Path

from experiments.studies.interface import Cell, Study


class Probe(Study):
    """Ways to end."""

    name = "probe"
    question = "How does a trial end?"
    references = ("fine",)
    measures = ("total_time",)

    def grid(self, request):
        chosen = os.environ.get("PROBE", "fine").split(",")
        return [Cell(condition={"n": 1}, subject=name, timeout_s=2.0 if name == "hangs" else 60.0) for name in chosen]

    def run_subject(self, role):
        print("this is printed, and must not disturb the protocol")
        getattr(self, "_" + role.spec.subject.split("-")[0])(role)

    def _fine(self, role):
        role.part.values["seed"] = role.spec.seed
        role.outside_look()

    def _naps(self, role):
        time.sleep(0.5)
        role.outside_look()

    def _allocates(self, role):
        block = [bytes([number % 256]) * 2**20 for number in range(6 * 1024)]
        role.part.values["allocated"] = float(len(block))
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

    def _fills(self, role):
        run_folder = role.work_dir.parents[1]
        (run_folder / "filler").write_bytes(b"x" * (12 * 2**20))
        assert Path(run_folder / "run.json").exists()
        role.outside_look()
