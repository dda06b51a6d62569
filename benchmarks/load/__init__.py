"""Measure the bot under load, and an empty discord.py bot, each in its own process, in the same loopback Discord.

`instrumented_bot` runs in such a process, `process` starts and queries it, `stream` writes messages at a given rate,
and `measurements` has a function for each measurement, which `benchmarks/bot.py` prints. `cluster`,
`cluster_measurements` and `cluster_table` do the same for a bot in several processes and `benchmarks/cluster.py`;
`servers` measures the memory that servers take.
"""
