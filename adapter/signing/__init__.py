"""Signatures: the port to a key, its adapters, the keyring, and who signs which document.

::

    keyring = Keyring.load(settings().signing_file)
    plan = plan_signatures("170", people, organisation=oid, keyring=keyring, rules=load_rules(catalogue), …)
    signatures = make_signatures(plan, document, at=now)      # may block: call it in a thread

Everything that can go wrong with a key is :class:`adapter.errors.SigningError`. A key or a password never gets into a
message, a log or a repr.
"""

from adapter.signing.certificate import Algorithm, SigningCertificate, parse_certificate
from adapter.signing.cms import Container
from adapter.signing.keyring import Keyring
from adapter.signing.plan import Person, Plan, Signed, Step, make_signatures, plan_signatures
from adapter.signing.port import Signer
from adapter.signing.rules import SigningRules, load_rules
from adapter.signing.verify import verify_cms, verify_raw

__all__ = [
    "Algorithm",
    "Container",
    "Keyring",
    "Person",
    "Plan",
    "Signed",
    "Signer",
    "SigningCertificate",
    "SigningRules",
    "Step",
    "load_rules",
    "make_signatures",
    "parse_certificate",
    "plan_signatures",
    "verify_cms",
    "verify_raw",
]
