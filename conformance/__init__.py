"""Conformance of СЭМД documents: the Ministry's packs, НСИ books and rules of our own."""
