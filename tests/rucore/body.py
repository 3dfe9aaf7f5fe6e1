"""Sections of CDA as RuCore carries them in FHIR R5."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.rucore.header import reference_to, staff
from tests.rucore.parts import (
    NULL,
    XSI_TYPE,
    Entries,
    Json,
    Node,
    compact,
    concept,
    many,
    moment,
    one,
    quantity,
    timed,
    words,
)

CERTAINTY: Final = "7026"


class Body:
    """Makes the resources of sections.

    Args:
        entries: of the Bundle.
        subject: reference to the patient.

    Attributes:
        diagnoses: ``Encounter.diagnosis``, filled on the way.
    """

    def __init__(self, entries: Entries, subject: Json) -> None:
        self.entries = entries
        self.subject = subject
        self.diagnoses: list[Json] = []
        self._sorts: dict[str, Callable[[Node], list[Json]]] = {
            "ALL": self._allergy, "DRUG": self._drug, "VITALPARAM": self._vitals, "SCORES": self._score,
            "DGN": self._diagnosis, "REGIME": self._regime, "SERVICES": self._service, "LINKDOCS": self._document,
            "RESCONS": self._result, "RESINSTR": self._result, "RESLAB": self._result,
        }  # fmt: skip

    def section(self, node: Node) -> Json:
        """A section with its entries and the sections in it."""
        code = one(node, "code")
        assert code is not None
        make = self._sorts.get(code.get("code", ""), self._items)
        entries = [reference for entry in many(node, "entry") for reference in make(entry[-1])]
        inner = [self.section(found) for found in many(node, "component/section")]
        return compact(code=concept(code), title=words(node, "title"), entry=entries, section=inner)

    def _observation(self, node: Node, **more: object) -> Json:
        performers = [
            staff(self.entries, found)
            for found in many(node, "performer/assignedEntity")
            if one(found, "assignedPerson") is not None
        ]
        text = words(node, "text")
        found = compact(
            resourceType="Observation",
            status="unknown",
            code=concept(one(node, "code")),
            subject=self.subject,
            performer=performers,
            note=[{"text": text}] if text else None,
            **timed(one(node, "effectiveTime"), "effective"),
            **_value(one(node, "value")),
        )
        return {**found, **compact(**more)}

    def _items(self, node: Node) -> list[Json]:
        return [self._item(node)]

    def _item(self, node: Node, **more: object) -> Json:
        """A coded field with the fields inside it."""
        inner = [self._item(found) for found in many(node, "entryRelationship/observation")]
        return self.entries.add(self._observation(node, hasMember=inner, **more))

    def _result(self, node: Node) -> list[Json]:
        documents = [
            reference_to(self.entries, found, self.subject) for found in many(node, "reference/externalDocument")
        ]
        return [self.entries.add(self._observation(node, derivedFrom=documents))]

    def _allergy(self, node: Node) -> list[Json]:
        agent = one(node, "participant/participantRole/playingEntity")
        assert agent is not None
        code = one(agent, "code")
        what = concept(code) if code is not None and code.get("code") else None
        flavor = code.get("nullFlavor") if code is not None else None
        reactions = [concept(found) for found in many(node, "entryRelationship/observation/value")]
        words_of_agent = words(agent, "desc")
        since = moment(one(node, "effectiveTime"))
        return [
            self.entries.add(
                compact(
                    resourceType="AllergyIntolerance",
                    type=concept(one(node, "value")),
                    category=["food"],
                    code=compact(
                        extension=[{"url": NULL, "valueCode": flavor}] if flavor else None,
                        **{**(what or {}), "text": words_of_agent},
                    ),
                    patient=self.subject,
                    reaction=[compact(manifestation=[{"concept": found} for found in reactions], onset=since)],
                )
            )
        ]

    def _drug(self, node: Node) -> list[Json]:
        material = one(node, "consumable/manufacturedProduct/manufacturedMaterial/code")
        medication = self.entries.add(
            compact(
                resourceType="Medication",
                code=concept(material),
                doseForm=concept(one(node, "administrationUnitCode")),
            )
        )
        taken, repeat, extension = {}, {}, []
        for time in many(node, "effectiveTime"):
            if time.get(XSI_TYPE) == "IVL_TS":
                taken = timed(time, "effective")
            else:
                every = one(time, "period")
                assert every is not None
                repeat = {"frequency": 1, "period": int(every.get("value", "")), "periodUnit": every.get("unit")}
                exact = time.get("institutionSpecified") == "false"
                url = "http://hl7.org/fhir/StructureDefinition/timing-exact"
                extension = [{"url": url, "valueBoolean": exact}]
        dose = one(node, "doseQuantity")
        dosage = compact(
            patientInstruction=words(node, "precondition/criterion/value"),
            timing=compact(repeat=compact(extension=extension, **repeat)),
            route=concept(one(node, "routeCode")),
            doseAndRate=[{"doseQuantity": quantity(dose)}] if dose is not None else None,
        )
        return [
            self.entries.add(
                compact(
                    resourceType="MedicationStatement",
                    status="recorded",
                    medication={"concept": concept(material), "reference": medication},
                    subject=self.subject,
                    dosage=[dosage],
                    **taken,
                )
            )
        ]

    def _vitals(self, node: Node) -> list[Json]:
        time = one(node, "effectiveTime")
        section = node.getparent().getparent()  # type: ignore[union-attr] # organizer, entry, section
        assert section is not None
        members = []
        for found in many(node, "component/observation"):
            inner = [self._item(item) for item in many(found, "entryRelationship/observation")]
            members.append(self.entries.add(self._observation(found, hasMember=inner)))
        group = compact(
            resourceType="Observation",
            status="unknown",
            code=concept(one(section, "code")),
            subject=self.subject,
            hasMember=members,
            **timed(time, "effective"),
        )
        return [self.entries.add(group)]

    def _score(self, node: Node) -> list[Json]:
        members, interpretation = [], []
        for found in many(node, "entryRelationship/observation"):
            code = one(found, "code")
            assert code is not None
            if code.get("code") == "8019":
                interpretation.append(concept(one(found, "value")))
            else:
                members.append(self._item(found))
        return [self.entries.add(self._observation(node, hasMember=members, interpretation=interpretation))]

    def _diagnosis(self, node: Node) -> list[Json]:
        value, text = one(node, "value"), words(node, "text")
        condition = self.entries.add(
            compact(
                resourceType="Condition",
                clinicalStatus={
                    "coding": [
                        {"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "unknown"}
                    ]
                },
                code=compact(**{**(concept(value) or {}), "text": text}),
                subject=self.subject,
                recordedDate=moment(one(node, "effectiveTime")),
            )
        )
        uses, references = [concept(one(node, "code"))], [condition]
        for found in many(node, "entryRelationship/observation"):
            code = one(found, "code")
            assert code is not None
            if code.get("code") == CERTAINTY:
                uses.append(concept(one(found, "value")))
            else:
                references.append(self._item(found, focus=[condition]))
        self.diagnoses.append({"condition": [{"reference": condition}], "use": uses})
        return references

    def _regime(self, node: Node) -> list[Json]:
        plan = compact(
            resourceType="CarePlan",
            status="unknown",
            intent="proposal",
            subject=self.subject,
            description=words(node, "value"),
        )
        return [self.entries.add(plan)]

    def _service(self, node: Node) -> list[Json]:
        performers = [{"actor": staff(self.entries, found)} for found in many(node, "performer/assignedEntity")]
        time = one(node, "effectiveTime")
        return [
            self.entries.add(
                compact(
                    resourceType="Procedure",
                    status="completed",
                    code=concept(value),
                    subject=self.subject,
                    performer=performers,
                    **timed(time, "occurrence"),
                )
            )
            for value in many(node, "entryRelationship/observation/value")
        ]

    def _document(self, node: Node) -> list[Json]:
        where = one(node, "reference/externalDocument")
        assert where is not None
        document = reference_to(
            self.entries, where, self.subject, type=concept(one(node, "code")), description=words(node, "text")
        )
        members = [self._item(found, focus=[document]) for found in many(node, "entryRelationship/observation")]
        return [document, *members]


def _value(node: Node | None) -> Json:
    """The value of an Observation by its type in CDA."""
    if node is None:
        return {}
    if node.get("nullFlavor"):
        reason = "not-applicable" if node.get("nullFlavor") == "NA" else "unknown"
        system = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
        return {"dataAbsentReason": {"coding": [{"system": system, "code": reason}]}}
    match node.get(XSI_TYPE):
        case "CD":
            return {"valueCodeableConcept": concept(node)}
        case "BL":
            return {"valueBoolean": node.get("value") == "true"}
        case "PQ":
            return {"valueQuantity": quantity(node)}
        case _:
            return {"valueString": node.text}
