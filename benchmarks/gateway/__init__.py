"""A Discord on the loopback address: its gateway and the REST routes that the bot uses, over real sockets.

SimCord is the place for what users see. This is for what a simulation within the process cannot play: load, limits,
refusals, broken answers and lost connections. The bot under test is as it always is: its settings DISCORD_API_BASE and
DISCORD_GATEWAY_URL say where this Discord is.

    discord = LoopbackDiscord(World(servers=2, channels=5), contract=find_contract())
    async with discord.running():
        ...  # start a bot with discord.token, discord.api_base and discord.gateway.url
        await discord.say("what a happy day")
        discord.api.fault = status(503)
        discord.gateway.cut(mid_frame=True)

`server` puts the rooms together: `world` is what there is, `protocol` the gateway with `compression`, `rest` the
routes, `api` what is the same for all of them, `buckets` the rate limits, `contract` Discord's own account of its API,
and `faults` every way in which this Discord can fail.
"""

from benchmarks.gateway.contract import Contract, find_contract
from benchmarks.gateway.faults import (
    Fault,
    Garbage,
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
from benchmarks.gateway.server import LoopbackDiscord
from benchmarks.gateway.world import ALICE, BOB, TOKEN, World

__all__ = [
    "ALICE",
    "BOB",
    "TOKEN",
    "Contract",
    "Fault",
    "Garbage",
    "LoopbackDiscord",
    "World",
    "cloudflare",
    "find_contract",
    "garbled",
    "hanging",
    "limited",
    "no_text",
    "only",
    "refused",
    "status",
    "times",
]
