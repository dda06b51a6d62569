"""Parses DATABASE_URL, as people and hosting services write it, into the URL that the store opens."""

from __future__ import annotations

import importlib.util
import ipaddress
import re

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from classifiers.errors import install

FORM = "sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
}
_HOST = re.compile(r"[\w.-]+")
_HOW_TO_QUOTE = (
    "write these characters of a user name or a password as %40 for @, %2F for /, %3A for :, %3F for ? and %25 for %"
)


class DatabaseUrlError(ValueError):
    """A URL that the bot cannot open; the message says what to do, and repeats no part of the URL."""


def parse_database_url(text: str) -> URL:
    """Return the URL with an asynchronous driver, whatever driver the text names; does not look up the host.

    Raises:
        DatabaseUrlError: the text is not a URL of SQLite or PostgreSQL; the message completes a sentence that begins
            "DATABASE_URL must".
    """
    kind, separator, rest = text.strip().partition("://")
    driver = _DRIVERS.get(kind.lower().partition("+")[0])
    if not separator or driver is None or not rest.isprintable():
        raise DatabaseUrlError(f"be {FORM}")
    if rest.count("@") > 1:
        raise DatabaseUrlError(f"have one @ only, before the host: {_HOW_TO_QUOTE}")
    try:
        url = make_url(f"{driver}://{rest}")
    except (ArgumentError, ValueError):
        raise DatabaseUrlError(f"be {FORM}, and a port must be a number: {_HOW_TO_QUOTE}") from None
    url = _file(url) if driver == _DRIVERS["sqlite"] else _server(url)
    if driver == _DRIVERS["postgresql"] and importlib.util.find_spec("asyncpg") is None:
        raise DatabaseUrlError(f"wait until its driver is installed: run `{install('postgres')}`")
    return url


def _file(url: URL) -> URL:
    # A database in memory is refused: each connection would have its own.
    if url.host or url.query or not url.database or url.database in ("/", ":memory:"):
        raise DatabaseUrlError("be sqlite:///FILE, or sqlite:////FOLDER/FILE for a full path, and nothing after it")
    return url


def _server(url: URL) -> URL:
    socket = url.query.get("host")
    if not url.database or re.search(r"[/@:]", url.database):
        raise DatabaseUrlError(f"end in the name of the database: {FORM}; {_HOW_TO_QUOTE}")
    if bool(url.host) == bool(socket) or (socket and not (isinstance(socket, str) and socket.startswith("/"))):
        raise DatabaseUrlError(
            f"name one host: {FORM}; or, for a socket on this computer, postgresql://USER@/DATABASE?host=/run/postgresql"
        )
    if url.host and not _is_host(url.host):
        raise DatabaseUrlError(f"have a host's name or address after the @: {_HOW_TO_QUOTE}")
    if url.port is not None and not 0 < url.port < 65536:
        raise DatabaseUrlError("have a port from 1 to 65535")
    # libpq and hosting services call `sslmode` what asyncpg calls `ssl`.
    mode = url.query.get("sslmode", url.query.get("ssl"))
    if (mode is not None and mode not in SSL_MODES) or url.query.keys() - {"host", "sslmode", "ssl"}:
        raise DatabaseUrlError(f"have nothing after the ? but sslmode= and one of {', '.join(SSL_MODES)}")
    return url.set(query={"host": socket} if socket else {}).update_query_dict({"ssl": mode} if mode else {})


def _is_host(host: str) -> bool:
    """Return whether a host's name or address is well-formed; others would raise a UnicodeError while connecting."""
    try:
        return bool(ipaddress.ip_address(host) if ":" in host else _HOST.fullmatch(host) and host.encode("idna"))
    except ValueError:
        return False
