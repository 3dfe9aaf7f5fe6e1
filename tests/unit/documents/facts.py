"""Handmade facts of documents: invented people, an organization that does not exist."""

from __future__ import annotations

from typing import Any

from adapter.documents.render import Codings
from adapter.facts import II, Coding, Fact, Null, Quantity

MO = "1.2.643.5.1.13.13.12.2.77.99999"
LOCAL = f"{MO}.100.1.1"

HEADER_170 = {
    "component_of": "required",
    "payer_version": "5.2",
    "nulls": [
        "patient.identity_document",
        "patient.insurance_policy",
        "patient.addresses",
        "patient.gender",
        "provider.props",
        "payer.document",
    ],
}
NULLS = [*HEADER_170["nulls"], "created", "patient.snils", "patient.birth_time"]
HEADER_204 = {
    "code_generation": "B",
    "guardian": "optional",
    "service_event": "optional",
    "performer_function": "required",
    "component_of": "optional",
    "encounter_time": True,
    "encounter_ids": "1..2",
    "nulls": NULLS,
}
HEADER_195 = {"code_generation": "B", "guardian": "optional", "nulls": NULLS}


def fact(**values: Any) -> Fact:
    return Fact(values)


class Named:
    """Codings without any book."""

    def coding(self, system: str, code: str) -> Coding:
        return Coding(code, system, "Справочник", "1.0", f"Значение {code}")


class Maker:
    """Makes the facts; ``codings`` completes their codes."""

    def __init__(self, codings: Codings) -> None:
        self._codings = codings

    def code(self, book: str, code: str) -> Coding:
        found = self._codings.coding(f"1.2.643.5.1.13.13.{book}", code)
        assert found is not None, f"{book}#{code}"
        return found

    def name(self, family: str, given: str, patronymic: str | None = None) -> Fact:
        return fact(family=family, given=given, patronymic=patronymic)

    def address(self, kind: str | None = None, *, full: bool = True) -> Fact:
        return fact(
            type=self.code("11.1504", kind) if kind else None,
            line="г. Москва, ул. Тестовая, д. 2, кв. 3",
            state=self.code("99.2.206", "77"),
            residence=self.code("11.1042", "1"),
            postal_code="101000" if full else Null("NI"),
            fias=fact(aoguid="00000000-0000-0000-0000-000000000001", houseguid=Null("NI")) if full else Null("NI"),
        )

    def telecom(self, value: str, use: str | None = None) -> Fact:
        return fact(value=value, use=use)

    def organization(self, *, full: bool = True) -> Fact:
        return fact(
            oid=MO,
            department=f"{MO}.0.100001" if full else None,
            licence=fact(number="ЛО-77-01-000001", issuer='Департамент "Здоровье". 05.10.2016') if full else None,
            props=fact(ogrn="1027700000008", ogrnip=None, okpo="00000001", okato="45000000000") if full else Null("NI"),
            name='ГБУЗ "Тестовая поликлиника"',
            telecoms=[self.telecom("tel:+74950000000", "WP"), self.telecom("mailto:mo@example.invalid")]
            if full
            else [],
            address=self.address(full=full),
        )

    def staff(self, extension: str, snils: str, position: str, *, full: bool = True) -> Fact:
        return fact(
            id=II(f"{LOCAL}.70", extension),
            snils=snils,
            position=self.code("11.1002", position),
            address=self.address() if full else None,
            telecoms=[self.telecom("tel:+74950000001")] if full else [],
            name=self.name("Врачова", "Мария", "Ивановна" if full else None),
            organization=self.organization() if full else None,
            function=self.code("99.2.368", "DOCTOR"),
        )

    def identity_document(self) -> Fact:
        return fact(
            type=self.code("99.2.48", "1"),
            series="0000",
            number="000001",
            issuer_name="ОВД Тестового района",
            issuer_code=Null("NI"),
            issue_date="20050220",
        )

    def guardian(self) -> Fact:
        return fact(
            snils="222-222-222 90",
            identity_document=self.identity_document(),
            authority_document=None,
            relation=self.code("99.2.14", "1"),
            address=self.address(),
            telecoms=[self.telecom("tel:+70000000002", "MC")],
            name=self.name("Тестова", "Анна", "Петровна"),
        )

    def patient(self, *, full: bool = True) -> Fact:
        return fact(
            id=II(f"{LOCAL}.10", "P-2"),
            snils="112-233-445 95",
            identity_document=self.identity_document() if full else Null("NI"),
            insurance_policy=(
                fact(type=self.code("11.1035", "2"), series=None, number="1234567890123452") if full else Null("NI")
            ),
            addresses=[self.address("1"), self.address("3", full=False)] if full else [Null("NI")],
            telecoms=[self.telecom("tel:+70000000001", "MC")] if full else [],
            name=self.name("Тестов", "Иван", "Петрович" if full else None),
            gender=self.code("11.1040", "1") if full else Null("NI"),
            birth_time="19850301",
            guardian=self.guardian() if full else None,
        )

    def payer(self) -> Fact:
        return fact(
            source=self.code("11.1039", "1"),
            document=fact(
                type=self.code("99.2.724", "1"),
                policy_type=self.code("11.1035", "2"),
                series=Null("NA"),
                number="1234567890123452",
                inn=Null("NA"),
                period=fact(low="20150101", high=Null("NAV")),
            ),
            insurer=fact(
                code="77000",
                name="Тестовая страховая организация",
                telecoms=[self.telecom("tel:+74950000002")],
                address=Null("NI"),
            ),
        )

    def encounter(self) -> Fact:
        return fact(
            id=II(f"{LOCAL}.15", "E-2"),
            card=II(f"{LOCAL}.17", "C-2"),
            card_type=self.code("99.2.723", "1"),
            card_document_type=None,
            low="202402151000+0300",
            high="202402151030+0300",
        )

    def service_event(self, event: str) -> Fact:
        return fact(
            code=self.code("99.2.726", event),
            low="20240215",
            high="20240216",
            form=self.code("11.1551", "1"),
            type=None,
            condition=None,
            performers=[self.staff("D-1", "111-111-111 45", "59")],
        )

    def document(self, kind: str, root: str, code: Coding, *, full: bool = True, **body: Any) -> Fact:
        translated = code.system.endswith(".1079")
        return fact(
            kind=kind,
            templates=[root],
            id=II(f"{LOCAL}.51", "0002"),
            set_id=II(f"{LOCAL}.50", "0002"),
            version=1,
            code=code,
            translation=self.code("11.1520", kind) if translated else None,
            title=code.display,
            created="202402151030+0300",
            confidentiality=self.code("99.2.285", "N"),
            patient=self.patient(full=full),
            provider=self.organization(full=full),
            author=self.staff("D-3", "111-111-111 45", "171", full=full),
            custodian=self.organization(full=full),
            recipients=[
                fact(
                    oid="1.2.643.5.1.13",
                    department=None,
                    name="Министерство здравоохранения Российской Федерации (ИЭМК)",
                    telecoms=[],
                    address=None,
                )
            ],
            legal_authenticator=self.staff("D-2", "222-222-222 90", "535", full=full),
            payer=self.payer() if full else None,
            **body,
        )

    def document_170(self, *, full: bool = True) -> Fact:
        vaccination = fact(
            group=self.code("99.2.848", "27"),
            time="202402151015+0300",
            product=self.code("11.1078", "11453"),
            result=fact(time="20240218", value=Quantity("5", "мм", self.code("11.1358", "4"))) if full else None,
            reactions=(
                [
                    fact(time="20240215", reaction=self.code("99.2.619", "3")),
                    fact(time="202402152000+0300", reaction=self.code("99.2.619", "8")),
                ]
                if full
                else []
            ),
            comment="Прививка перенесена удовлетворительно" if full else None,
            record_number="000000000000001" if full else None,
            revaccination=False if full else None,
            component="1" if full else None,
            lot="TEST-I-001" if full else None,
            dose=Quantity("0.5", "мл", None) if full else None,
            route="внутримышечно" if full else None,
            site="левое плечо" if full else None,
            expires="20241231" if full else None,
            manufacturer=None,
            performer=None,
        )
        code = self.code("11.1522", "53")
        document = self.document(
            "170",
            "1.2.643.5.1.13.13.14.53.9.2",
            code,
            full=full,
            vaccination=vaccination,
            encounter=self.encounter(),
        )
        document.patient.guardian = None  # 170 has no place for one
        return document

    def diagnosis(self, *, full: bool = True) -> Fact:
        return fact(
            kind=self.code("11.1077", "1"),
            diagnosis=self.code("11.1005", "J06.9"),
            text="ОРВИ" if full else None,
            certainty=self.code("99.2.795", "3") if full else None,
            character=self.code("11.1049", "1") if full else None,
            time="20240215" if full else None,
            order=1,
        )

    def document_204(self, *, full: bool = True) -> Fact:
        conclusion = fact(
            document_type=self.code("11.1522", "480"),
            conclusion=fact(text="Здоров; <контроль> через год"),
            comment="Без особенностей" if full else None,
            diagnoses=[self.diagnosis(), self.diagnosis(full=False)] if full else [],
            vitals=(
                [
                    fact(
                        time="202402151000+0300",
                        signs=[
                            fact(
                                code=self.code("99.2.262", "50"),
                                value=Quantity("70.5", "кг", self.code("11.1358", "168")),
                            )
                        ],
                    )
                ]
                if full
                else []
            ),
            vaccinations=(
                [fact(group=self.code("99.2.848", "27"), time="20240215", product=self.code("11.1078", "11453"))]
                if full
                else []
            ),
            documents=[],
        )
        return self.document(
            "204",
            "1.2.643.5.1.13.13.15.105.1",
            self.code("99.2.1079", "105"),
            full=full,
            conclusion=conclusion,
            encounter=self.encounter() if full else None,
            service_event=self.service_event("5") if full else None,
        )

    def document_195(self, *, full: bool = True) -> Fact:
        extract = fact(
            card=II(f"{LOCAL}.16", "123-А"),
            card_type=self.code("99.2.723", "2"),
            destination="По месту требования",
            workplace="ООО «Ромашка»" if full else None,
            ambulatory=fact(low="20240101", high="20240110", referred="20240110") if full else None,
            inpatient=fact(low="20240110", high="20240215") if full else None,
            summary="Анамнез, обследование, лечение.\nСостояние удовлетворительное.",
            recommendations="Наблюдение терапевта" if full else None,
            diagnoses=[self.diagnosis()] if full else [],
        )
        return self.document(
            "195", "1.2.643.5.1.13.13.15.61.2", self.code("99.2.1079", "61"), full=full, extract=extract
        )
