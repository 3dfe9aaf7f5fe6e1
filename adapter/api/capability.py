"""What the endpoint can do: CapabilityStatement, and the SMART configuration beside it."""

from __future__ import annotations

from typing import Any, Final

from adapter import __version__
from adapter.api.access import ALGORITHMS
from adapter.api.media import VERSION, Form
from adapter.api.scopes import SUPPORTED

#: The day on which what the statement says last changed.
_DATE: Final = "2026-11-24"
_SECURITY: Final = "http://terminology.hl7.org/CodeSystem/restful-security-service"
_OPERATIONS: Final = "OperationDefinition"


def capability_statement(base: str) -> dict[str, Any]:
    """The CapabilityStatement of this endpoint, whose address is ``base``."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": _DATE,
        "kind": "instance",
        "software": {"name": "egisz-adapter", "version": __version__},
        "implementation": {"description": "FHIR → ЕГИСЗ", "url": base},
        "fhirVersion": VERSION.value,
        "format": [form.value for form in Form] + ["json", "xml"],
        "rest": [
            {
                "mode": "server",
                "documentation": (
                    "POST [base]: a Bundle of type batch, transaction, document, message or collection, of R4, R4B or "
                    "R5; it is stored and answered with 202 and the Task in Content-Location."
                ),
                "security": {"service": [{"coding": [{"system": _SECURITY, "code": "SMART-on-FHIR"}]}]},
                "resource": [
                    _resource("Bundle", ["create"], operations=("convert", "validate")),
                    _resource("Task", ["read"]),
                    _resource(
                        "DocumentReference",
                        ["read", "search-type"],
                        search={"_id": "token", "identifier": "token", "type": "token", "_lastUpdated": "date"},
                    ),
                    _resource("Binary", ["read"]),
                ],
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
            }
        ],
    }


def smart_configuration(token_url: str) -> dict[str, Any]:
    """The document at ``/.well-known/smart-configuration``."""
    return {
        "token_endpoint": token_url,
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "scopes_supported": list(SUPPORTED),
        "capabilities": ["client-confidential-asymmetric", "permission-v1", "permission-v2"],
    }


def _resource(
    name: str, interactions: list[str], *, operations: tuple[str, ...] = (), search: dict[str, str] | None = None
) -> dict[str, Any]:
    made: dict[str, Any] = {"type": name, "interaction": [{"code": code} for code in interactions]}
    if search:
        made["searchParam"] = [{"name": key, "type": kind} for key, kind in search.items()]
    if operations:
        made["operation"] = [
            {"name": one, "definition": f"urn:egisz-adapter:{_OPERATIONS}:bundle-{one}"} for one in operations
        ]
    return made
