"""What the plan of the part ``vector-index`` and its trials both name."""

from __future__ import annotations

SCAN, GRAPH, GRAPH_INT8 = "exact-scan", "hnsw", "hnsw-int8"
