"""Where every value of a document comes from: element of FHIR, rule, row of a concept map, fact, place in the document.

Made again from the Bundle whenever somebody asks, and kept nowhere: it quotes the Bundle and the document.
"""

from adapter.lineage.lineages import Lineages
from adapter.lineage.ways import Lineage, Piece, Share, Way

__all__ = ["Lineage", "Lineages", "Piece", "Share", "Way"]
