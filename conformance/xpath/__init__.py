"""XPath of the Ministry's Schematron files, rewritten so that libxml2 can run it."""

from conformance.xpath.functions import Compiler, DynamicError, compiler
from conformance.xpath.rewrite import Rewriter, rewrite
from conformance.xpath.rewritten import Kind, Rewritten

__all__ = ["Compiler", "DynamicError", "Kind", "Rewriter", "Rewritten", "compiler", "rewrite"]
