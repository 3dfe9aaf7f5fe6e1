"""What the catalogue of kinds knows about a pack: its kind by its templates, its official title, its guide."""

from __future__ import annotations

from collections.abc import Iterable

from adapter.catalogue import Catalogue
from adapter.documents.kinds import Kinds, TemplateId, load_kinds
from adapter.settings import settings


def catalogue_of_kinds() -> Kinds:
    """The catalogue of kinds of this process's settings."""
    return load_kinds(Catalogue(settings().catalogue))


def kinds_of(templates: Iterable[TemplateId], kinds: Kinds) -> list[str]:
    """Codes of the kinds that have one of these templates, in the order of the catalogue.

    Some kinds share their roots; a document code tells some of them apart (58 and 113), not all (82, 83, 84).
    """
    wanted = list(templates)
    roots = {template.root for template in wanted}
    codes = {template.document_code for template in wanted} - {""}
    found = [kind for kind in kinds if roots & {template.root for template in kind.template_ids}]
    closer = [kind for kind in found if codes and codes <= set(kind.document_codes)]
    return [kind.code for kind in closer or found]
