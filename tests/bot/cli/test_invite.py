from __future__ import annotations

import asyncio
import socket

import discord
import pytest
import yarl

from benchmarks.gateway import LoopbackDiscord
from bot.cli import main
from tests.bot.cli.support import error_sentence, requests


async def test_the_link_asks_for_the_needed_permissions_only(
    loopback: LoopbackDiscord, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await asyncio.to_thread(main, ["invite"]) == 0
    link = yarl.URL(capsys.readouterr().out.strip())
    assert link.query["client_id"] == "2"
    assert set(link.query["scope"].split()) == {"bot", "applications.commands"}
    needed = discord.Permissions(view_channel=True, read_message_history=True, add_reactions=True)
    assert int(link.query["permissions"]) == needed.value
    assert {asked.split()[0] for asked in requests(loopback)} == {"GET"}


def test_missing_token_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["invite"]) == 2
    assert "DISCORD_TOKEN" in error_sentence(capsys)


async def test_an_unreachable_discord_is_reported_with_status_1(
    monkeypatch: pytest.MonkeyPatch, loopback: LoopbackDiscord, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as nobody_listens_there:
        nobody_listens_there.bind(("127.0.0.1", 0))
        port = nobody_listens_there.getsockname()[1]
    monkeypatch.setattr(discord.http.Route, "BASE", f"http://127.0.0.1:{port}")
    assert await asyncio.to_thread(main, ["invite"]) == 1
    err = capsys.readouterr().err
    assert err.splitlines()[-1].startswith("Discord cannot be reached")
    assert "Traceback" not in err
    assert loopback.api.requests == []
