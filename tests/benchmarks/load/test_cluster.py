from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.gateway import LoopbackDiscord
from benchmarks.gateway.communities import CHANNELS, Communities
from benchmarks.load.cluster import Cluster, Plan
from tests.loopback import until

PLAN = Plan(servers=50, shards=8, processes=4, max_concurrency=1)


def test_each_process_has_the_servers_of_its_shards() -> None:
    shards = {shard: process for process in range(4) for shard in PLAN.shards_of(process)}
    servers = {server: process for process in range(4) for server in PLAN.servers_of(process)}
    assert sorted(shards) == [*range(8)]
    assert sorted(servers) == [*range(1, 51)]
    for guild_id in Communities(servers=50).guild_ids():
        number = guild_id >> 22
        assert servers[number] == shards[number % 8]


def test_people_write_in_the_last_channel_of_each_server() -> None:
    world = Communities(servers=50)
    for process in range(4):
        places = [world.places[channel] for channel in PLAN.channels_of(process)]
        assert [(place.guild_id or 0) >> 22 for place in places] == [*PLAN.servers_of(process)]
        assert all(place.id == (place.guild_id or 0) + CHANNELS for place in places)


@pytest.mark.parametrize(
    ("plan", "why"),
    [
        (PLAN, None),
        (replace(PLAN, processes=0), "there must be at least one server, shard, process and session at once"),
        (replace(PLAN, processes=3), "8 shards cannot be shared equally by 3 processes"),
        (replace(PLAN, servers=40), "4 processes need more than 40 servers"),
    ],
)
def test_impossible_plan_is_refused_with_the_reason(plan: Plan, why: str | None) -> None:
    assert plan.error() == why


async def test_load_writes_to_each_process_in_its_own_servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.load.stream._dev_texts", lambda: ("happy", "odd"))
    discord = LoopbackDiscord(Communities(servers=50))
    cluster = Cluster(PLAN, discord, "postgresql+asyncpg:///none", tmp_path)
    async with cluster.load(2000) as written:
        await until(lambda: min(map(len, written.values())) >= 5)
    counts = [len(messages) for messages in written.values()]
    assert sum(counts) == sum(stream.written for stream in cluster.streams.values())
    for process, messages in written.items():
        servers = {(discord.routes.messages[message_id].place.guild_id or 0) >> 22 for message_id in messages}
        assert servers <= {*PLAN.servers_of(process)}
