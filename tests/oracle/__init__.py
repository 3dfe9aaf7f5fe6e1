"""A second opinion on Schematron: stylesheets of our own for SaxonC, used by tests and the benchmark only.

:mod:`tests.oracle.stylesheet` turns a ``.sch`` into XSLT 3.0; :mod:`tests.oracle.saxon` runs it.
"""
