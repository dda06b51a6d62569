"""The REST API of the loopback Discord answers, refuses and limits requests as Discord does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest

from benchmarks.gateway import (
    Fault,
    LoopbackDiscord,
    World,
    cloudflare,
    garbled,
    hanging,
    limited,
    no_text,
    only,
    refused,
    status,
    times,
)
from benchmarks.gateway.api import LIMITS
from benchmarks.gateway.buckets import Limit
from benchmarks.gateway.contract import MISSING, Contract
from benchmarks.gateway.rest import REACTION
from tests.loopback import Skipper


class Bot:
    """Sends requests as a bot."""

    def __init__(self, loopback: LoopbackDiscord, session: aiohttp.ClientSession) -> None:
        self.loopback = loopback
        self.session = session
        self.headers = {"Authorization": f"Bot {loopback.token}"}

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, Any, dict[str, str]]:
        """Return the status, the JSON if there is any, and the headers of an answer."""
        url = self.loopback.api_base + path
        async with self.session.request(method, url, headers=self.headers, **options) as response:
            body = await response.read()
            is_json = response.content_type == "application/json"
            return response.status, json.loads(body) if is_json and body else None, dict(response.headers)

    async def react(self, message_id: int, emoji: str = "👋", method: str = "PUT") -> tuple[int, Any, dict[str, str]]:
        channel_id = self.loopback.routes.messages[message_id].place.id
        return await self.ask(method, f"/channels/{channel_id}/messages/{message_id}/reactions/{emoji}/@me")


@pytest.fixture
async def bot(loopback: LoopbackDiscord) -> AsyncIterator[Bot]:
    async with aiohttp.ClientSession() as session:
        yield Bot(loopback, session)


@pytest.fixture
def world() -> World:
    return World(channels=2)


async def test_a_bot_without_its_token_is_refused(bot: Bot, loopback: LoopbackDiscord) -> None:
    bot.headers["Authorization"] = "Bot another"
    assert (await bot.ask("GET", "/users/@me"))[0] == 401
    assert [asked[:3] for asked in loopback.api.refused()] == [("GET", "/users/@me", 401)]


async def test_servers_are_listed_in_pages(bot: Bot, loopback: LoopbackDiscord) -> None:
    loopback.world.servers = 500
    pages = []
    for query in ("", "?after=0&limit=3", f"?after={200 << 22}", f"?after={400 << 22}"):
        _, servers, _ = await bot.ask("GET", f"/users/@me/guilds{query}")
        pages.append([int(server["id"]) >> 22 for server in servers])
    assert pages == [[*range(1, 201)], [1, 2, 3], [*range(201, 401)], [*range(401, 501)]]


async def test_reaction_can_be_added_and_removed(bot: Bot, loopback: LoopbackDiscord, skipper: Skipper) -> None:
    message_id = await loopback.say("hello")
    assert (await bot.react(message_id))[0] == 204
    skipper.skip(1)
    assert (await bot.react(message_id, method="DELETE"))[0] == 204
    assert [reaction[:2] for reaction in loopback.routes.reactions] == [(message_id, "👋")]
    assert loopback.routes.removed == [(message_id, "👋")]


async def test_reacting_to_a_deleted_message_returns_404(bot: Bot, loopback: LoopbackDiscord) -> None:
    message_id = await loopback.say("hello")
    path = f"/channels/{loopback.world.places[0].id}/messages/{message_id}/reactions/👋/@me"
    await loopback.delete(message_id)
    code, body, _ = await bot.ask("PUT", path)
    assert (code, body["code"]) == (404, 10008)


async def test_reactions_in_a_channel_share_a_bucket(
    bot: Bot, loopback: LoopbackDiscord, skipper: Skipper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LIMITS, REACTION, Limit(1, 60.0))  # so that a slow machine is quick enough
    here, there = await loopback.say("hello"), await loopback.say("hello", channel=1)
    code, _, headers = await bot.react(here)
    assert code == 204
    assert (headers["X-RateLimit-Limit"], headers["X-RateLimit-Remaining"]) == ("1", "0")
    code, body, again = await bot.react(here, "🎉")
    assert (code, body["global"], again["X-RateLimit-Scope"]) == (429, False, "user")
    assert again["X-RateLimit-Bucket"] == headers["X-RateLimit-Bucket"]
    assert 0 < float(again["X-RateLimit-Reset-After"]) <= 60
    assert (await bot.react(there))[0] == 204
    skipper.skip(60)
    assert (await bot.react(here, "🎉"))[0] == 204


async def test_global_limit_refuses_any_request(bot: Bot, loopback: LoopbackDiscord) -> None:
    loopback.api.limit.per_second = 0
    code, body, headers = await bot.ask("GET", "/users/@me")
    assert (code, body["global"]) == (429, True)
    assert (headers["X-RateLimit-Scope"], headers["X-RateLimit-Global"]) == ("global", "true")
    loopback.api.limit.per_second = 50
    assert (await bot.ask("GET", "/users/@me"))[0] == 200


async def test_interaction_responses_do_not_count_towards_the_global_limit(bot: Bot, loopback: LoopbackDiscord) -> None:
    loopback.api.limit.per_second = 0
    path = "/interactions/1/none/callback"
    assert (await bot.ask("POST", path, json={"type": 5}))[0] == 404
    assert (await bot.ask("GET", "/users/@me"))[0] == 429


async def register(bot: Bot) -> None:
    """Register a command."""
    assert (await bot.ask("PUT", "/applications/2/commands", json=[{"name": "greet", "description": "Say it."}]))[
        0
    ] == 200


async def test_interaction_accepts_one_response_then_edits_and_follow_ups(bot: Bot, loopback: LoopbackDiscord) -> None:
    await register(bot)
    asked = await loopback.slash("greet")
    callback = f"/interactions/{asked.id}/{asked.token}/callback"
    webhook = f"/webhooks/2/{asked.token}"
    assert (await bot.ask("POST", webhook, json={"content": "too early"}))[0] == 404
    assert (await bot.ask("POST", callback, json={"type": 4, "data": {"content": "hello"}}))[0] == 204
    code, body, _ = await bot.ask("POST", callback, json={"type": 4, "data": {"content": "again"}})
    assert (code, body["code"]) == (400, 40060)
    assert (await bot.ask("GET", f"{webhook}/messages/@original"))[1]["content"] == "hello"
    assert (await bot.ask("PATCH", f"{webhook}/messages/@original", json={"content": "changed"}))[0] == 200
    assert (await bot.ask("POST", webhook, json={"content": "more"}))[1]["content"] == "more"
    assert asked.callback == {"type": 4, "data": {"content": "hello"}}
    assert (asked.edits, asked.followups) == ([{"content": "changed"}], [{"content": "more"}])


async def test_slash_waits_until_the_command_is_registered(bot: Bot, loopback: LoopbackDiscord) -> None:
    using = asyncio.create_task(loopback.slash("greet"))
    assert not (await asyncio.wait([using], timeout=0))[0]
    assert not loopback.offers("greet")
    await register(bot)
    assert loopback.offers("greet")
    assert (await using).token in loopback.routes.interactions


async def test_slash_of_an_unregistered_command_raises_lookup_error(
    loopback: LoopbackDiscord, skipper: Skipper
) -> None:
    using = asyncio.create_task(loopback.slash("greet"))
    await asyncio.sleep(0)
    skipper.skip(31)
    with pytest.raises(LookupError, match="greet"):
        await using


# ---------------------------------------------------------------- faults


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        *((status(code), code) for code in (500, 502, 503)),
        *((refused(code), code) for code in (401, 403, 404)),
        (cloudflare(), 429),
    ],
)
async def test_fault_replaces_the_answer_of_a_route(
    bot: Bot, loopback: LoopbackDiscord, fault: Fault, code: int
) -> None:
    loopback.api.fault = fault
    assert (await bot.ask("GET", "/users/@me"))[0] == code
    loopback.api.fault = None
    assert (await bot.ask("GET", "/users/@me"))[0] == 200
    assert [asked.status for asked in loopback.api.requests] == [code, 200]


@pytest.mark.parametrize("scope", ["global", "user", "shared"])
async def test_429_of_discord_names_its_scope_and_duration(bot: Bot, loopback: LoopbackDiscord, scope: str) -> None:
    loopback.api.fault = limited(scope, 1.5)
    code, body, headers = await bot.ask("GET", "/users/@me")
    assert (code, body["retry_after"], body["global"]) == (429, 1.5, scope == "global")
    assert (headers["X-RateLimit-Scope"], headers["Retry-After"], headers["Via"]) == (scope, "2", "1.1 google")


async def test_429_of_cloudflare_has_no_body_and_no_rate_limit_headers(bot: Bot, loopback: LoopbackDiscord) -> None:
    loopback.api.fault = cloudflare()
    _, body, headers = await bot.ask("GET", "/users/@me")
    assert body is None
    assert not {"Via", "Retry-After", "X-RateLimit-Scope"} & set(headers)


@pytest.mark.parametrize("fault", [garbled, no_text])
@pytest.mark.parametrize("code", [200, 403, 429, 500])
async def test_garbled_answer_has_any_status_and_json_content_type(
    bot: Bot, loopback: LoopbackDiscord, fault: Callable[[int], Fault], code: int
) -> None:
    loopback.api.fault = fault(code)
    async with bot.session.get(f"{loopback.api_base}/users/@me") as response:
        assert (response.status, response.content_type) == (code, "application/json")
        with pytest.raises(ValueError, match=r"Unterminated|codec"):
            json.loads((await response.read()).decode())


async def test_hanging_request_times_out_and_does_not_keep_the_loopback_discord_open(
    bot: Bot, loopback: LoopbackDiscord
) -> None:
    loopback.api.fault = hanging()
    with pytest.raises(TimeoutError):
        await bot.ask("GET", "/users/@me", timeout=aiohttp.ClientTimeout(total=0.05))
    assert loopback.api.requests == []


async def test_fault_can_be_limited_to_a_route_and_to_a_number_of_requests(bot: Bot, loopback: LoopbackDiscord) -> None:
    loopback.api.fault = only("/users/", times(2, status(503)))
    codes = [(await bot.ask("GET", path))[0] for path in ("/gateway/bot", *["/users/@me"] * 3)]
    assert codes == [200, 503, 503, 200]


async def test_closed_api_refuses_connections_until_it_is_opened(bot: Bot, loopback: LoopbackDiscord) -> None:
    await loopback.api_endpoint.close()
    with pytest.raises(aiohttp.ClientConnectorError):
        await bot.ask("GET", "/users/@me")
    await loopback.api_endpoint.open()
    assert (await bot.ask("GET", "/users/@me"))[0] == 200


# ---------------------------------------------------------------- Discord's description


@pytest.fixture
def contract(description: Contract | None) -> Contract:
    return description or pytest.skip(MISSING)


@pytest.mark.parametrize(
    ("method", "path", "options", "violation"),
    [
        ("PUT", "/applications/2/commands", {"json": [{"name": "x" * 33, "description": "d"}]}, "is too long"),
        ("GET", "/applications/none/commands", {}, "application_id=none"),
        ("GET", "/applications/2/commands", {"params": {"colour": "red"}}, "no parameter colour"),
        ("GET", "/users/@me", {"json": {}}, "takes no JSON"),
        ("GET", "/none", {}, "not among the routes"),
    ],
)
@pytest.mark.usefixtures("contract")
async def test_request_that_violates_the_openapi_description_is_refused_and_recorded(
    bot: Bot, loopback: LoopbackDiscord, method: str, path: str, options: dict[str, Any], violation: str
) -> None:
    assert (await bot.ask(method, path, **options))[0] in (400, 404)
    [recorded] = loopback.api.violations
    assert violation in recorded
    loopback.api.violations.clear()  # the fixture `loopback` asserts that there are none


async def test_answers_match_the_openapi_description(bot: Bot, loopback: LoopbackDiscord, contract: Contract) -> None:
    message_id = await loopback.say("hello")
    await register(bot)
    asked = await loopback.slash("greet")
    server, place = loopback.world.places[0].guild_id, loopback.world.places[0].id
    answers: list[tuple[str, str, str, Any]] = [
        ("GET", "/gateway/bot", "/gateway/bot", None),
        ("GET", "/users/@me", "/users/@me", None),
        ("GET", "/users/@me/guilds", "/users/@me/guilds", None),
        ("POST", "/users/@me/channels", "/users/@me/channels", {"recipient_id": "3"}),
        ("GET", "/applications/@me", "/applications/@me", None),
        ("GET", "/oauth2/applications/@me", "/oauth2/applications/@me", None),
        ("GET", "/applications/{application_id}/commands", "/applications/2/commands", None),
        (
            "PUT",
            "/applications/{application_id}/guilds/{guild_id}/commands",
            f"/applications/2/guilds/{server}/commands",
            [{"name": "a", "description": "b"}],
        ),
        ("GET", "/channels/{channel_id}", f"/channels/{place}", None),
        ("POST", "/channels/{channel_id}/messages", f"/channels/{place}/messages", {"content": "hi"}),
        (
            "PUT",
            "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me",
            f"/channels/{place}/messages/{message_id}/reactions/👋/@me",
            None,
        ),
        (
            "POST",
            "/interactions/{interaction_id}/{interaction_token}/callback",
            f"/interactions/{asked.id}/{asked.token}/callback?with_response=true",
            {"type": 4, "data": {"content": "hello"}},
        ),
        (
            "POST",
            "/webhooks/{webhook_id}/{webhook_token}",
            f"/webhooks/2/{asked.token}?wait=true",
            {"content": "more"},
        ),
        (
            "PATCH",
            "/webhooks/{webhook_id}/{webhook_token}/messages/@original",
            f"/webhooks/2/{asked.token}/messages/@original",
            {"content": "changed"},
        ),
    ]
    wrong = {}
    for method, route, path, payload in answers:
        code, body, _ = await bot.ask(method, path, **({} if payload is None else {"json": payload}))
        if errors := contract.answer_errors(method, route, code, body):
            wrong[f"{method} {route}"] = errors
    assert wrong == {}
