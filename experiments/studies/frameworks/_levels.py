"""Sizes and services that the conditions of the parts share with their trials."""

from __future__ import annotations

from experiments.workloads.endpoint.service import RefusingEndpoint, TrimmingEndpoint
from experiments.workloads.framework_levels import REFUSES, TRIMS

STARTS = 2
"""How often a trial of the part `start` starts its system."""

IDLE_S = 0.5
"""How long nobody asks before it is looked what a system holds, in seconds."""

ENDPOINTS = {REFUSES: RefusingEndpoint.name, TRIMS: TrimmingEndpoint.name}
"""The service by what an endpoint does with a prompt that is too long, in the part `overflow`."""
