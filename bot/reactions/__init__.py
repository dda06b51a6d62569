"""Reactions to messages.

A message takes this way: `cog` receives it, `gate` says whether it may be read, `bot.analyzer` predicts its emotions,
`policy` decides on a reaction, `reaction_limits` admits it, `bot.connection.requests` sends it, and the store counts
its mood.
Each refusal on the way is an `Outcome`. `dislikes` takes reactions back.
"""
