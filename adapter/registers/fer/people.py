"""Who is meant by the data of GetPatientInfo: somebody with a number that was told, and nothing that contradicts."""

from __future__ import annotations

from dataclasses import dataclass

from adapter.registers.fer.resources import Resource, digits_of, identifiers, objects, snils_spellings
from adapter.registers.fer.soap import Asked
from adapter.transport.fhir import FhirClient

_SEXES = {"M": "male", "F": "female"}


@dataclass(frozen=True, slots=True, repr=False)
class Person:
    """What a request tells of a patient; what it does not tell is empty."""

    snils: str
    policy: str
    family: str
    given: str
    birth: str
    sex: str

    @classmethod
    def of(cls, asked: Asked) -> Person:
        """The person of a request.

        Raises:
            InputError: FER02, it tells no family name or day of birth.
        """
        return cls(
            digits_of(asked.text("Patient_Data", "SNILS")),
            digits_of(asked.text("Patient_Data", "OMS_Number")),
            _name(asked.wanted("Patient_Data", "Last_Name")),
            _name(asked.text("Patient_Data", "First_Name")),
            asked.wanted("Patient_Data", "Birth_Date")[:10],
            _SEXES.get(asked.text("Patient_Data", "Sex"), ""),
        )

    def is_(self, patient: Resource) -> bool:
        """Whether a Patient may be meant: a number is the same, name and day of birth are, the sex does not differ."""
        numbers = {digits_of(value) for _, value in identifiers(patient)}
        names = objects(patient, "name")
        given = {_name(one["given"][0]) for one in names if _texts(one.get("given"))}
        return (
            patient.get("active") is not False
            and any(number and number in numbers for number in (self.snils, self.policy))
            and patient.get("birthDate") == self.birth
            and any(isinstance(one.get("family"), str) and _name(one["family"]) == self.family for one in names)
            and (not self.given or not given or self.given in given)
            and (not self.sex or patient.get("gender") in (None, "unknown", "other", self.sex))
        )


async def find_people(client: FhirClient, person: Person) -> list[Resource]:
    """The patients who may be meant; nobody where no number is told: names and days of birth are not unique.

    Raises:
        FhirRefused, TransportFailed: the МИС does not answer.
    """
    numbers = [*(snils_spellings(person.snils) if len(person.snils) == 11 else ()), person.policy]
    numbers = [one for one in numbers if one]
    if not numbers:
        return []
    found = await client.search("Patient", [("identifier", ",".join(numbers))])
    return [one for one in found if person.is_(one)]


def _name(text: str) -> str:
    return " ".join(text.casefold().replace("ё", "е").split())


def _texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], str)
