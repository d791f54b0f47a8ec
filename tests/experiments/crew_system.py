"""Systems of several processes: a helper, started in each of the usual ways, burns and allocates at every turn."""

import os
import subprocess
import sys

from crew_helper import HELPER
from echo_system import Echo


class Alone(Echo):
    """Does without a helper."""

    summary = "One process."


class _Crew(Echo):
    def start(self):
        super().start()
        asked, self._ask = os.pipe()
        self._answers, answer = os.pipe()
        self._begin(asked, answer)
        os.close(asked)
        os.close(answer)
        self._await()

    def answer(self, request, on_token=None):
        os.write(self._ask, b"?")
        self._await()
        return super().answer(request, on_token)

    def close(self):
        os.close(self._ask)
        super().close()

    def _await(self):
        if not os.read(self._answers, 5):
            raise RuntimeError("the helper has gone")

    def _help(self, asked, answer):
        os.close(self._ask)
        names = {}
        exec(HELPER, names)
        names["help_"](asked, answer)
        os._exit(0)


class Forks(_Crew):
    """Forks its helper."""

    summary = "A forked helper."

    def _begin(self, asked, answer):
        if os.fork() == 0:
            self._help(asked, answer)


class Executes(_Crew):
    """Starts its helper as a program."""

    summary = "A helper that is a program of its own."

    def _begin(self, asked, answer):
        code = f"{HELPER}\nhelp_({asked}, {answer})"
        self._child = subprocess.Popen([sys.executable, "-S", "-c", code], pass_fds=[asked, answer])

    def close(self):
        super().close()
        self._child.wait()


class Leaves(_Crew):
    """Has its helper leave its session, and its parent die."""

    summary = "A helper that is a daemon."

    def _begin(self, asked, answer):
        if (between := os.fork()) == 0:
            os.setsid()
            if os.fork() == 0:
                self._help(asked, answer)
            os._exit(0)
        os.waitpid(between, 0)
