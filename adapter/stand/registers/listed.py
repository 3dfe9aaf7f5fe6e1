"""Which register services the stand plays."""

from __future__ import annotations

from adapter.stand.registers.contract import RegisterService


def register_services() -> tuple[RegisterService, ...]:
    """One of each."""
    return ()
