"""Run the whole bot under random faults, see `benchmarks/chaos.py`.

`run` puts the parts together: `supervisor` restarts the bot's process as a service manager would, `faults` lists the
faults of Discord, the process and the database, `databases` can disturb SQLite and PostgreSQL, `postgres` starts a
PostgreSQL server, and `invariants` checks what must hold despite the faults.
"""
