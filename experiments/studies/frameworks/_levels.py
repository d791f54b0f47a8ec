"""Names and sizes that the conditions of the parts share with their trials."""

from __future__ import annotations

from experiments.workloads.endpoint.service import RefusingEndpoint, TrimmingEndpoint

STARTS = 2
"""How often a trial of the part `start` starts its system."""

IDLE_S = 0.5
"""How long nobody asks before it is looked what a system holds, in seconds."""

KILLED, CLOSED = "killed", "closed"
"""How a system ends in the part `kills`."""

ENDPOINTS = {"refuses": RefusingEndpoint.name, "trims": TrimmingEndpoint.name}
"""The service by what an endpoint does with a prompt that is too long, in the part `overflow`."""
