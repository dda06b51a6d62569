"""The addresses of Discord: its own, or those that the operator has set, such as a proxy's or a load test's."""

from __future__ import annotations

from ipaddress import ip_address

import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

_PRIVATE_ENDINGS = (".internal", ".local", ".localhost")


class AddressError(ValueError):
    """A text is not an address that the bot can use; the message completes a sentence that ends in "must"."""


def parse_api_base(text: str) -> str:
    """Return the base address of the REST API, without a slash at its end.

    Raises:
        AddressError: it is not an address, or the token would cross a public network in plain text.
    """
    return str(_parse(text, secure="https", plain="http")).rstrip("/")


def parse_gateway_url(text: str) -> str:
    """Return the address of the gateway.

    Raises:
        AddressError: it is not an address, or the token would cross a public network in plain text.
    """
    return str(_parse(text, secure="wss", plain="ws"))


def use(api_base: str | None, gateway_url: str | None) -> None:
    """Make discord.py use these addresses from now on; None changes nothing.

    They are attributes of its classes and hold for the whole process, since it offers no other way.
    """
    if api_base:
        Route.BASE = api_base
    if gateway_url:
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway_url)


def _parse(text: str, *, secure: str, plain: str) -> yarl.URL:
    try:
        url = yarl.URL(text.strip())
        host = url.host or ""
        url.port  # noqa: B018 - yarl looks at it only now
    except ValueError:
        host = ""
    if not host or url.scheme not in (secure, plain) or any(map(str.isspace, host)):
        raise AddressError(f"be an address that begins with {secure}://")
    if url.user or url.password or url.query_string or url.fragment:
        raise AddressError("be an address without a user, a password, a question mark or a #")
    if url.scheme == plain and not _is_private(host):
        raise AddressError(
            f"begin with {secure}://, since {plain}:// would send the bot's token unencrypted: that is allowed only on "
            "this computer and in a private network"
        )
    return url


def _is_private(host: str) -> bool:
    """Return whether a host is this computer or in a private network, judging by its name."""
    try:
        return ip_address(host).is_private
    except ValueError:
        # A name without a dot is never public, unless it is an address written as a single number.
        return host.endswith(_PRIVATE_ENDINGS) or ("." not in host and host[0].isalpha())
