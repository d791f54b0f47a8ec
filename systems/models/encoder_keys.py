"""What the metadata of an embedding model's file says under this project's own keys."""

from __future__ import annotations

QUERY_PREFIX, PASSAGE_PREFIX = "fourgig.embedding.query_prefix", "fourgig.embedding.passage_prefix"
"""What a model wants before a question, and before what questions are asked about."""

LATIN_ONLY = "fourgig.embedding.latin_only"
"""Of a model that knows no script but Latin letters: its vectors of other texts mean nothing."""

STATIC = "fourgig.embedding.static"
"""Of a file that is no model but a table of pieces' vectors."""
