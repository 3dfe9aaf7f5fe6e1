"""A stand that plays РЭМД behind ИПС on this machine, for tests, demos and developers of a МИС.

It behaves as the public facts say, and no further: what the service does where no source tells is a guess of ours.
It keeps documents in the clear and answers anybody who can reach it: never give it data of patients.

::

    faults.py      what goes wrong on demand
    registry.py    what it has received and registered (SQLite)
    checks.py      the checks of a request and of a file, with the codes of РЭМД (texts.yaml)
    validation.py  the conformance engine in a process of its own
    service.py     the operations that a МИС calls
    processing.py  what happens to a registration after its acknowledgement
    callbacks.py   the messages to a МИС
    app.py         all of it over HTTP
    registers/     registers that a МИС writes to, beside it
"""
