"""Reference books of ФНСИ: a local store, import, sync with the public service, lookup."""

from adapter.nsi.model import Column, Passport, expand_oid, short_oid
from adapter.nsi.store import Book, BookStore

__all__ = ["Book", "BookStore", "Column", "Passport", "expand_oid", "short_oid"]
