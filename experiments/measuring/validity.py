"""When a trial that ended well is too noisy: the rules, stated before any run.

A trial is noisy when its subject's processors were busy with something else, or when the client that measured it was
itself too late: that tells of the client's processors. In the presets that give answers it is void: it keeps all it
measured, is counted and shown, left out of every figure, and run again by ``--resume``. In the others it is flagged and
counted.
"""

from __future__ import annotations

import numpy as np

from experiments.measuring.records import Record

MOST = {"steal_share": 0.10, "others_cpu_share": 0.10}
"""Most of the time of the subject's processors that a hypervisor may have given to others, or other processes used."""

LAG_S, LAG_SHARE = 0.010, 0.05
"""The client's own delay (P99) may reach the first, in seconds, or the second as a share of the median latency."""


def noise(record: Record) -> str:
    """Return what makes this trial noisy, in one line; empty if nothing does."""
    host = record.outside.host
    for name, who in (("steal_share", "a hypervisor gave others"), ("others_cpu_share", "other processes used")):
        if host.get(name, 0.0) > MOST[name]:
            return f"host noise: {who} {host[name]:.0%} of the processors' time, more than {MOST[name]:.0%}"
    client = record.part("client")
    if client is None or not client.loop_delay_s:
        return ""
    lag = float(np.percentile(client.loop_delay_s, 99))
    latencies = [row.finished_s - row.intended_s for row in client.requests if row.outcome == "ok"]
    most = max(LAG_S, LAG_SHARE * float(np.median(latencies)) if latencies else 0.0)
    if lag <= most:
        return ""
    return f"client lag: the client was {lag * 1000:.0f} ms late (P99), more than {most * 1000:.0f} ms"
