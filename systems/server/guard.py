"""Who may talk to the server: tokens, compared in constant time, and the web pages whose scripts may connect."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from systems.errors import BadInput, NotAllowed, NotKnown
from systems.server.settings import ServerSettings

ANYONE = ""
"""The user of a server without tokens: whoever can connect."""

TOKEN_BYTES = 16
"""The shortest token that is accepted for listening beyond this machine, in bytes."""


class Guard:
    """Tells users apart. A user is a short name derived from a token; without tokens there is one, `ANYONE`."""

    def __init__(self, settings: ServerSettings) -> None:
        """Raises `BadInput` if the server would listen beyond this machine without a token, or with a short one."""
        tokens = (*settings.tokens, *settings.admin_tokens)
        if not is_loopback(settings.host):
            if not tokens:
                raise BadInput(
                    f"A token is required to listen on {settings.host}, where others can connect. Choose a long one "
                    "and set it with FOURGIG_SERVER_TOKENS or --token."
                )
            if any(len(token.encode()) < TOKEN_BYTES for token in tokens):
                raise BadInput(f"A token needs at least {TOKEN_BYTES} characters to listen on {settings.host}.")
        self._users = {_digest(token): _digest(token)[:16] for token in tokens}
        self._administrators = frozenset(_digest(token)[:16] for token in settings.admin_tokens) or {ANYONE}
        self._origins = frozenset(settings.origins)

    @property
    def open(self) -> bool:
        """Whether no token is needed."""
        return not self._users

    def user(self, token: str) -> str:
        """Return the user whose token this is. Raises `NotKnown`."""
        shown = _digest(token)
        found = [user for known, user in self._users.items() if hmac.compare_digest(known, shown)]
        if not found:
            raise NotKnown("This token is not one of the server's.")
        return found[0]

    def bearer(self, headers: Headers) -> str:
        """Return the user of the request with these headers. Raises `NotKnown`."""
        if self.open:
            return ANYONE
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token:
            raise NotKnown("A token is required: send the header `Authorization: Bearer …`.")
        return self.user(token.strip())

    def check_administrator(self, user: str) -> None:
        """Refuse what concerns everyone to a user who is no administrator. Raises `NotAllowed`."""
        if user not in self._administrators:
            raise NotAllowed("Only an administrator may change what concerns everyone.")

    def check_origin(self, headers: Headers) -> None:
        """Refuse scripts of other pages: they could talk to the agent in the visitor's name. Raises `NotAllowed`.

        The server's own page is one whose address is that of the request and no name: a name can be pointed at this
        machine by whoever owns it.
        """
        origin = headers.get("origin")
        if origin is None or origin in self._origins:
            return
        where = urlsplit(origin)
        if where.netloc == headers.get("host") and _is_address(where.hostname or ""):
            return
        raise NotAllowed(f"Pages from {origin} may not connect to this server.")


def session_of(user: str, session: str) -> str:
    """Return the name under which the system keeps the session of ``user``: nobody else can name it."""
    return session if user == ANYONE else f"{user}/{session}"


def is_loopback(host: str) -> bool:
    """Return whether only this machine can connect to a server that listens on ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return True


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
