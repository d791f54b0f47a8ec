"""The traditional agent's settings."""

from __future__ import annotations

from systems.settings import SharedSettings


class BaselineSettings(SharedSettings, frozen=True, kw_only=True):
    """The traditional agent's settings: the shared ones, and none of its own."""
