"""Journal, jobs and the stages that have side effects.

::

    postgres.py    the embedded PostgreSQL
    database.py    pool and migrations (sql/); statements.py reads the SQL
    vault.py       sealed payloads; keys.py has the keys
    transitions.yaml, states.py, moves.py    what may follow what, and making it so
    journal.py     accepting, reading, callbacks
    conversion.py  what a conversion made: versions in their sets
    results.py     what the state's answers do
    outbox.py      the operator's view
    jobs.py, worker.py, stages.py    PgQueuer and the stages; periodic.py what is done from time to time
    ports.py       what the stages need; making.py, remd.py, webhooks.py give it
    running.py     a worker as the settings want it
"""

from __future__ import annotations

from adapter.pipeline.journal import Journal
from adapter.pipeline.model import Accepted, MoveRow, ProductRow, SignatureRow, State, SubmissionRow, SubmissionState
from adapter.pipeline.worker import Worker

__all__ = [
    "Accepted",
    "Journal",
    "MoveRow",
    "ProductRow",
    "SignatureRow",
    "State",
    "SubmissionRow",
    "SubmissionState",
    "Worker",
]
