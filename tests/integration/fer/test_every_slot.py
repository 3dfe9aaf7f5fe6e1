"""Whatever the МИС has: a free slot is offered exactly once, any other never."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.fer.conftest import Fer

MOSCOW = timezone(timedelta(hours=3))
DOCTOR = {"reference": "PractitionerRole/doctor-therapist"}
ACTORS = st.sampled_from(
    [
        [DOCTOR],
        [{"reference": "Practitioner/doctor"}],
        [{"reference": "Location/room-12"}, {"reference": "Practitioner/doctor"}, DOCTOR],
        [{"reference": "PractitionerRole/surgeon-surgeon"}],
        [{"reference": "HealthcareService/fluorography"}],
    ]
)
SLOTS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from(["free", "free", "free", "busy", "busy-unavailable", "entered-in-error"]),
        st.integers(-1, 8),
        st.integers(0, 95),
        st.sampled_from([UTC, MOSCOW, timezone(timedelta(hours=-11)), timezone(timedelta(hours=12))]),
    ),
    max_size=25,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ACTORS, min_size=4, max_size=4), SLOTS, st.integers(1, 7))
def test_every_free_slot_is_offered_exactly_once(
    fer: Fer, actors: list[Any], slots: list[tuple[int, str, int, int, timezone]], page: int
) -> None:
    for key in [key for key in fer.mis.resources if key[0] in ("Slot", "Schedule")]:
        del fer.mis.resources[key]
    fer.mis.page = page
    for number, actor in enumerate(actors):
        fer.mis.put({"resourceType": "Schedule", "id": f"s-{number}", "actor": actor})
    wanted = []
    for number, (schedule, status, day, quarter, zone) in enumerate(slots):
        start = datetime(2027, 3, 1, tzinfo=MOSCOW) + timedelta(days=day, minutes=15 * quarter)
        slot = {
            "resourceType": "Slot",
            "id": f"slot-{number}",
            "schedule": {"reference": f"Schedule/s-{schedule}"},
            "status": status,
            "start": start.astimezone(zone).isoformat(),
            "end": (start + timedelta(minutes=15)).astimezone(zone).isoformat(),
        }
        fer.mis.put(slot)
        if status == "free" and 0 <= day < 7 and "doctor" in str(actors[schedule]):
            wanted.append((start, slot["id"]))
    assert fer.schedule(last="2027-03-07") == [ident for _, ident in sorted(wanted)]
