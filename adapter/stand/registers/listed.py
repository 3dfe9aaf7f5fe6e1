"""Which register services the stand plays."""

from __future__ import annotations

from adapter.stand.registers.contract import RegisterService
from adapter.stand.registers.vaccination import VaccinationRegister


def register_services(*, signed: bool = False) -> tuple[RegisterService, ...]:
    """One of each.

    Args:
        signed: they take signed requests alone.
    """
    return (VaccinationRegister(signed=signed),)
