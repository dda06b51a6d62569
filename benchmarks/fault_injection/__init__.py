"""The whole bot under random faults, see `benchmarks/chaos.py`.

`run` puts the parts together: `keeper` keeps the bot's process alive as a service manager would, `faults` are what can
befall Discord and the process, `databases` what can befall SQLite and PostgreSQL, with `postgres` for a server of one's
own, and `invariants` judges what has to hold in the end.
"""
