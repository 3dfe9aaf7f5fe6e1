"""Validation packs: the Ministry's Schematron and XSD of a kind, installed by the user, kept in a store."""

from adapter.documents.kinds import TemplateId
from conformance.packs.install import Installed, Outcome, Refused, refusal
from conformance.packs.model import Pack
from conformance.packs.store import Edition, Inventory, PackStore

__all__ = [
    "Edition",
    "Installed",
    "Inventory",
    "Outcome",
    "Pack",
    "PackStore",
    "Refused",
    "TemplateId",
    "refusal",
]
