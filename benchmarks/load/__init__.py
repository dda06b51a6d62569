"""How the bot does under load: it and an empty bot, each in a process of its own, in the same loopback Discord.

`contender` is what runs in such a process, `process` starts and asks it, `stream` says what is written at which rate,
and `rows` has a function for each measurement. `benchmarks/bot.py` prints them.
"""
