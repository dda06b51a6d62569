"""The connection to Discord: its gateway, limits and pauses of requests, and its clock.

`backoff` makes a pause double after each failure; `bot.reactions.reaction_limits` pauses channels and servers by it
after Discord has refused a reaction, for example with 403.
"""
