"""Which register services the stand plays."""

from __future__ import annotations

from adapter.stand.registers.contract import RegisterService
from adapter.stand.registers.frmo import Frmo
from adapter.stand.registers.frmr import Frmr
from adapter.stand.registers.n3 import N3
from adapter.stand.registers.vaccination import VaccinationRegister
from adapter.stand.registers.vzn import Vzn


def register_services(
    *, signed: bool = False, organisations: frozenset[str] = frozenset()
) -> tuple[RegisterService, ...]:
    """One of each.

    Args:
        signed: they take signed requests alone.
        organisations: OIDs of those that ФРМО knows; empty: any.
    """
    return (
        VaccinationRegister(signed=signed),
        Vzn(),
        Frmr(signed=signed),
        Frmo(signed=signed, organisations=organisations),
        N3(),
    )
