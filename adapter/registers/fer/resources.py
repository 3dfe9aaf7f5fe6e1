"""Resources of the МИС as they are needed here: their references, ids and times, whatever else may stand in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any, Final

Resource = dict[str, Any]

_ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}")


def is_id(text: str) -> bool:
    """Whether a text is an id of FHIR."""
    return _ID.fullmatch(text) is not None


def reference(resource: Resource) -> str:
    """``Type/id``."""
    return f"{resource['resourceType']}/{resource['id']}"


def local(value: Any, base: str) -> str:
    """``Type/id`` of a Reference to a resource of the server, without a version; empty where it is none."""
    text = value.get("reference") if isinstance(value, dict) else None
    if not isinstance(text, str):
        return ""
    parts = text.removeprefix(base.rstrip("/") + "/").split("/")
    if len(parts) == 4 and parts[2] == "_history":
        parts = parts[:2]
    return "/".join(parts) if len(parts) == 2 and parts[0].isalpha() and is_id(parts[1]) else ""


def locals_(values: Any, base: str) -> list[str]:
    """The references of a list (or of one Reference), without those that lead nowhere."""
    items = values if isinstance(values, list) else [values]
    return [text for one in items if (text := local(one, base))]


def moment(value: Any, zone: tzinfo) -> datetime | None:
    """A time; one without an offset is of the zone. ``None`` where it is none."""
    if not isinstance(value, str) or "T" not in value:
        return None
    try:
        # A fraction of more than six digits is not read by Python.
        found = datetime.fromisoformat(re.sub(r"(\.[0-9]{6})[0-9]+", r"\1", value))
        # Out of the years that a time of another zone has.
        return (found if found.tzinfo is not None else found.replace(tzinfo=zone)).astimezone(zone)
    except (ValueError, OverflowError):
        return None


def zone_of(text: str) -> tzinfo:
    """The zone of an organisation: ``+0300``."""
    return timezone(timedelta(hours=int(text[1:3]), minutes=int(text[3:5])))


def identifiers(resource: Resource) -> Iterator[tuple[str, str]]:
    """System and value of the identifiers of a resource."""
    found = resource.get("identifier")
    for one in found if isinstance(found, list) else ():
        if isinstance(one, dict) and isinstance(one.get("value"), str):
            system = one.get("system")
            yield system if isinstance(system, str) else "", one["value"]


def objects(resource: Resource, name: str) -> list[Resource]:
    """The objects of a list of a resource."""
    found = resource.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def snils_spellings(digits: str) -> list[str]:
    """A СНИЛС as senders write it, for a search."""
    return [
        digits,
        f"{digits[:3]}-{digits[3:6]}-{digits[6:9]} {digits[9:]}",
        f"{digits[:3]}-{digits[3:6]}-{digits[6:9]}-{digits[9:]}",
    ]


def digits_of(text: str) -> str:
    """The digits of a text."""
    return "".join(one for one in text if one in "0123456789")
