"""Levels of conditions, and what subjects' names mean, that the parts that ask PostgreSQL and their trials share."""

from __future__ import annotations

IN_ORDER, SHUFFLED = "in order", "shuffled"
"""How the rows of `time-ranges` lie in the table: as time went on, or as chance had it."""

POOLS = {"pool-2": 2, "pool-20": 20}
"""So many connections are open in each subject of `database-pool`; twenty is what the source advises at most."""

PASSWORD, TRUSTED = "password", "trusted"
"""How a user is let in: by SCRAM-SHA-256, as servers come, or without being asked."""

VACUUM, SORT = "vacuum", "sort"
"""The cases of `upkeep`."""

WORK_MEM_MIB = {"work-mem-4": 4, "work-mem-16": 16, "work-mem-64": 64}
"""What a query of `upkeep` may work in, for each sort and hash, by the subject's name."""
