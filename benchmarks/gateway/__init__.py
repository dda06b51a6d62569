"""A fake Discord on the loopback address: the gateway and the REST routes that the bot uses, over real sockets.

Use SimCord to test what users see. This package is for what a simulation within the process cannot do: load, limits,
refusals, broken answers and lost connections. The bot under test is unmodified; its settings DISCORD_API_BASE and
DISCORD_GATEWAY_URL point to this Discord.

    discord = LoopbackDiscord(World(servers=2, channels=5), contract=find_contract())
    async with discord.running():
        ...  # start a bot with discord.token, discord.api_base and discord.gateway.url
        await discord.say("what a happy day")
        discord.api.fault = status(503)
        discord.gateway.cut(mid_frame=True)

`server` puts the parts together: `world` has the servers and channels, `protocol` the gateway (with `compression`),
`rest` the routes, `api` what they share, `buckets` the rate limits, `contract` Discord's own description of its API,
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
