"""Registers that a МИС writes to, played by the stand under ``/registers/<service>/``.

As the public facts say, and no further; which answers are certain is told by the page ``GET /registers`` (``facts/``).

::

    contract.py    a service: one request in, one answer out
    state.py       what was received, and what the registers hold (SQLite)
    faults.py      what goes wrong on demand
    desk.py        the services over HTTP, and /admin/registers
    known.py       what is certain and what is inferred, and how services refuse (facts/); pages.py shows it
    rest.py        what ФРМР and ФРМО have in common; jwt.py: their token
    listed.py      which services there are
"""
