"""What reading a source gives: documents, and a refusal, with the reason, for what cannot be read."""

from __future__ import annotations

import msgspec

from systems.errors import FourgigError


class Document(msgspec.Struct, frozen=True):
    """What was read of a source. ``source`` is the address or the path that it is cited by."""

    source: str
    title: str
    text: str


class SourceRefusal(msgspec.Struct, frozen=True):
    """A source that was not read; ``reason`` says why in a few words, without a full stop."""

    source: str
    reason: str


Found = Document | SourceRefusal


class CannotRead(FourgigError):
    """A source cannot be read; the text says why in a few words. The other sources are none the worse."""


class TooLarge(CannotRead):
    """A source holds more than may be read of one."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(f"it holds more than {most_bytes:,} bytes")
