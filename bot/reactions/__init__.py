"""Reactions to messages.

`cog` receives a message and takes it through the steps: `gate` says whether it may be read, and `pace` whether its
channel can get a reaction; `bot.analysis.analyzer` predicts its emotions, the store counts its mood,
`policy` decides on a reaction, and `sending` adds it within `reaction_limits`, which also pause a channel after a
refusal, such as 403, each time for twice as long. Every reason to stop on the way is an `Outcome`.

`dislikes` removes reactions that people dislike, with the help of what `history` remembers.
"""
