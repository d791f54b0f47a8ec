"""What is wrong with a body that could not be decoded, by the table of its fields."""

from __future__ import annotations

import re
from collections.abc import Mapping

from systems.server.chat.fields import Field
from systems.server.failures import Failure, bad_request

# Where msgspec says that something is wrong: in "`$.a[0].b`", or in "`key` in `$.a`".
_PATH = re.compile(r"`\$\.(.+?)`")


def not_understood(error: Exception, fields: Mapping[str, Field] | None = None) -> Failure:
    """Return the failure of a request whose body msgspec could not decode; ``fields`` says what is not offered."""
    reason, param = _reason_and_field(error)
    field = (fields or {}).get(re.split(r"[.\[]", param or "", maxsplit=1)[0])
    if field is not None and field.how == "refused":
        return bad_request(f"`{param}` is not offered: {field.why}.", param=param, code="not_offered")
    return bad_request(f"{reason}.", param=param)


def _reason_and_field(error: Exception) -> tuple[str, str | None]:
    """Return what msgspec says is wrong, and with which field if with one."""
    reason, _, where = str(error).partition(" - at ")
    found = _PATH.search(where)
    return reason, None if found is None else found[1]
