"""Starts a PostgreSQL server: ``python -m experiments.workloads.postgres.starting BINARIES DATA OPTION…``.

Makes the cluster in the folder DATA, and becomes the server. Its owner, ``postgres``, comes in over the socket
without a password; everybody else needs one. It imports nothing but the standard library: it runs inside a trial's
limits, as another user, before there is a server.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_WHO = "local all postgres trust\nlocal all all scram-sha-256\n"


def main(binaries: str, data: str, *options: str) -> None:
    """Make the cluster and become its server; exits with the line that says why where that fails."""
    makes = [f"{binaries}/initdb", "--pgdata", data, "--username=postgres", "--auth=trust"]
    # What is in the cluster is thrown away after the trial: that it is on the disk at the start helps nobody.
    makes += ["--encoding=UTF8", "--locale=C", "--no-sync", "--no-clean"]
    try:
        made = subprocess.run(makes, capture_output=True, text=True, errors="replace", check=False)
        if made.returncode:
            sys.exit(_why(made.stderr) or f"initdb ended with status {made.returncode}")
        Path(data, "pg_hba.conf").write_text(_WHO)
        server = [f"{binaries}/postgres", "-D", data, *options]
        os.execv(server[0], server)  # noqa: S606 - the server's own argument list
    except OSError as error:
        sys.exit(f"The server cannot be started: {error}")


def _why(said: str) -> str:
    """Return the line that tells why initdb failed: the first that is an error, else the last one."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    wrong = [line for line in lines if "error:" in line or "FATAL:" in line or "PANIC:" in line]
    return (wrong or lines[-1:] or [""])[0]


if __name__ == "__main__":
    main(*sys.argv[1:])
