"""Names of subjects, and the rule by which something is called a leak, that the part `leaks` and its trials share."""

from __future__ import annotations

WATCHED, SNAPSHOTS, MEMRAY = "watched", "snapshots", "memray"

LOOKS = 3
"""What has grown from look to look so many times in succession is named a leak."""

LEAST_BYTES = 8_192
"""And has grown by as much in all: less is what an agent gathers while it works."""
