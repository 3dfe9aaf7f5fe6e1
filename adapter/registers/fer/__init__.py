"""ФЭР (электронная регистратура): a МИС with a FHIR server as the SOAP service that ФЭР calls to book appointments."""
