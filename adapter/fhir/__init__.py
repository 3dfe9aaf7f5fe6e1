"""Reading FHIR."""
