"""egisz-adapter: FHIR Bundles in, checked СЭМД documents and register messages out."""

__version__ = "0.1.0"
