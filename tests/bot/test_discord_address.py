from __future__ import annotations

import discord
import pytest
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot import discord_address
from bot.configuration import Configuration, ConfigurationError, load_configuration
from bot.discord_address import AddressError, parse_api_base, parse_gateway_url


@pytest.mark.parametrize(
    "address",
    [
        "https://discord.com/api/v10",
        "https://user-of-a-proxy.example:8443/api",
        "http://127.0.0.1:8080/api/v10",
        "http://[::1]:8080",
        "http://10.1.2.3/api",
        "http://192.168.1.5/api",
        "http://localhost:8080",
        "http://proxy:8080/api/v10",
        "http://discord-proxy.internal",
        "http://nas.local",
    ],
)
def test_api_may_be_remote_with_https_or_local_with_http(address: str) -> None:
    assert parse_api_base(f" {address}/ ") == address


@pytest.mark.parametrize(
    "address",
    ["http://discord.com/api/v10", "http://8.8.8.8", "http://134744072", "http://0x8080808", "http://local.example"],
)
def test_plain_http_to_a_public_host_is_refused(address: str) -> None:
    with pytest.raises(AddressError, match=r"^begin with https://, since http:// would send the bot's token unencryp"):
        parse_api_base(address)
    with pytest.raises(AddressError, match=r"^begin with wss://, since ws:// would send the bot's token unencrypted"):
        parse_gateway_url(address.replace("http", "ws"))


@pytest.mark.parametrize(
    "address", ["discord.com", "ftp://discord.com", "https://", "https://a b", "wss://a", "https://a:b"]
)
def test_an_address_of_another_kind_is_refused(address: str) -> None:
    with pytest.raises(AddressError, match=r"^be an address that begins with https://$"):
        parse_api_base(address)


@pytest.mark.parametrize("address", ["wss://me:secret@a.example", "wss://a.example/?v=9", "wss://a.example/#part"])
def test_address_with_credentials_query_or_fragment_is_refused(address: str) -> None:
    with pytest.raises(AddressError, match=r"^be an address without a user, a password, a question mark or a #$"):
        parse_gateway_url(address)


def test_wrong_address_is_reported_in_one_sentence_without_repeating_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_API_BASE", "ftp://secret")
    monkeypatch.setenv("DISCORD_GATEWAY_URL", "ws://8.8.8.8")
    with pytest.raises(ConfigurationError) as caught:
        load_configuration()
    assert str(caught.value) == (
        "DISCORD_API_BASE must be an address that begins with https://; DISCORD_GATEWAY_URL must begin with wss://, "
        "since ws:// would send the bot's token unencrypted: that is allowed only on this computer and in a private "
        "network."
    )


def test_both_addresses_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_API_BASE", "http://proxy:8080/api/v10/")
    monkeypatch.setenv("DISCORD_GATEWAY_URL", "ws://proxy:7878")
    configuration = load_configuration()
    assert configuration == Configuration(api_base="http://proxy:8080/api/v10", gateway_url="ws://proxy:7878")


def test_discord_py_uses_the_given_addresses_or_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Route, "BASE", Route.BASE)
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", DiscordWebSocket.DEFAULT_GATEWAY)
    discord_address.use(None, None)
    assert Route("GET", "/users/@me").url == f"https://discord.com/api/v{discord.http.INTERNAL_API_VERSION}/users/@me"
    assert yarl.URL("wss://gateway.discord.gg/") == DiscordWebSocket.DEFAULT_GATEWAY
    discord_address.use("http://proxy/api", "ws://proxy")
    assert Route("GET", "/users/@me").url == "http://proxy/api/users/@me"
    assert yarl.URL("ws://proxy") == DiscordWebSocket.DEFAULT_GATEWAY
