"""The Schematron engine: the Ministry's ``.sch`` files, run inside libxml2 with the verdicts of XSLT 3.0."""

from conformance.schematron.engine import Result, Schematron, compile_schematron

__all__ = ["Result", "Schematron", "compile_schematron"]
