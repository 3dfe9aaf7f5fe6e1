"""Documents 204 and 195 with everything that their kinds allow, made from the least ones."""

from __future__ import annotations

import re

#: Kinds that can be filled.
RICH = ("195", "204")
_NSI = "1.2.643.5.1.13.13."
_MO = f"{_NSI}12.2.77.99999"


def coded(tag: str, code: str, book: str, more: str = "", inside: str = "") -> str:
    """A coded element with all five attributes."""
    text = f'codeSystemName="Справочник" codeSystemVersion="1.1" displayName="Значение"{more}'
    return f'<{tag} code="{code}" codeSystem="{_NSI}{book}" {text}>{inside}</{tag}>'


def field(code: str, inside: str = "", book: str = "99.2.166") -> str:
    """An observation."""
    return f'<observation classCode="OBS" moodCode="EVN">{coded("code", code, book)}{inside}</observation>'


def part(inside: str) -> str:
    """An entryRelationship."""
    return f'<entryRelationship typeCode="COMP">{inside}</entryRelationship>'


def entries(*inside: str) -> str:
    """Entries of a section."""
    return "".join(f"<entry>{item}</entry>" for item in inside)


def section(code: str, inside: str) -> str:
    """A component with a section."""
    return f"<component><section>{coded('code', code, '99.2.197')}<title>Секция</title>{inside}</section></component>"


def value(code: str, book: str, inside: str = "") -> str:
    """A coded value."""
    return coded("value", code, book, ' xsi:type="CD"', inside)


TEXT = '<value xsi:type="ST">Текст</value>'
NULL = '<value xsi:type="CD" nullFlavor="NA"/>'
TIME = '<effectiveTime value="202402151015+0300"/>'
PERIOD = '<effectiveTime><low value="20240201"/><high value="20240215"/></effectiveTime>'
NAME = "<name><family>Тестов</family><given>Иван</given><identity:Patronymic>Петрович</identity:Patronymic></name>"
ADDRESS = (
    "<addr><streetAddressLine>г. Москва</streetAddressLine>"
    + coded("address:stateCode", "77", "99.2.206")
    + '<postalCode>101000</postalCode><fias:Address nullFlavor="NI"/></addr>'
)
STAFF = (
    f'<id root="{_MO}.100.1.1.70" extension="D-9"/><id root="1.2.643.100.3" extension="11111111145"/>'
    + coded("code", "171", "11.1002")
    + f'<telecom value="tel:+74950000001"/><assignedPerson>{NAME}</assignedPerson>'
)
DOCUMENT_PARTS = (
    "<identity:Series>0000</identity:Series><identity:Number>000001</identity:Number>"
    '<identity:IssueOrgName>ОВД</identity:IssueOrgName>{code}<identity:IssueDate value="20050220"/>'
)
GUARDIAN = (
    '<guardian classCode="GUARD"><id root="1.2.643.100.3" extension="11111111145"/><identity:IdentityDoc>'
    + coded("identity:IdentityCardType", "1", "99.2.48")
    + DOCUMENT_PARTS.format(code='<identity:IssueOrgCode nullFlavor="NI"/>')
    + "</identity:IdentityDoc><identity:AuthorityDoc>"
    + coded("identity:IdentityCardType", "1", "99.2.313")
    + DOCUMENT_PARTS.format(code="")
    + "</identity:AuthorityDoc>"
    + coded("code", "1", "99.2.14")
    + f'{ADDRESS}<telecom value="tel:+74950000001"/><guardianPerson>{NAME}</guardianPerson></guardian>'
)
PAYER = (
    '<participant typeCode="IND"><associatedEntity classCode="GUAR">'
    + coded("code", "1", "11.1039")
    + "<identity:DocInfo>"
    + coded("identity:IdentityDocType", "1", "99.2.724")
    + coded("identity:InsurancePolicyType", "2", "11.1035")
    + '<identity:Series nullFlavor="NA"/><identity:Number>1234567890123452</identity:Number>'
    '<identity:INN nullFlavor="NA"/><identity:effectiveTime><identity:low value="20150101"/>'
    '<identity:high nullFlavor="NAV"/></identity:effectiveTime></identity:DocInfo><scopingOrganization>'
    f'<id root="{_NSI}99.2.183" extension="77000"/><name>СМО</name><telecom value="tel:+74950000002"/>'
    '<addr nullFlavor="NI"/></scopingOrganization></associatedEntity></participant>'
)
EVENT = (
    "<documentationOf><serviceEvent>"
    + coded("code", "5", "99.2.726")
    + PERIOD
    + coded("medService:serviceForm", "1", "11.1551")
    + coded("medService:serviceType", "1", "11.1034")
    + coded("medService:serviceCond", "1", "99.2.322")
    + '<performer typeCode="PPRF">'
    + coded("functionCode", "1", "99.2.368")
    + f"<assignedEntity>{STAFF}</assignedEntity></performer></serviceEvent></documentationOf>"
)
ENCOUNTER = (
    f'<componentOf><encompassingEncounter><id root="{_MO}.100.1.1.15" extension="E"/>'
    f'<id root="{_MO}.100.1.1.17" extension="C"/>'
    + coded("code", "3", "99.2.723")
    + coded("medService:DocType", "63", "11.1522")
    + f"{PERIOD}</encompassingEncounter></componentOf>"
)
LINK = (
    '<act classCode="ACT" moodCode="EVN">'
    + coded("code", "13", "11.1522")
    + f"<text>Текст</text>{TIME}"
    + part(field("11002", TEXT))
    + part(field("11003", TEXT))
    + part(field("6058", value("1", "99.2.1008")))
    + f'<reference typeCode="REFR"><externalDocument classCode="DOCCLIN" moodCode="EVN"><id root="{_MO}.100.1.1.51" '
    f'extension="1"/><id root="{_NSI}17.1.1" extension="11.24.001.000000001"/></externalDocument></reference></act>'
)
ORGANISATION = (
    '<performer><assignedEntity><id nullFlavor="NI"/><representedOrganization classCode="ORG">'
    f'<id root="{_MO}"/><name>Школа</name>{ADDRESS}</representedOrganization></assignedEntity></performer>'
)
VACCINATION = (
    '<substanceAdministration classCode="SBADM" moodCode="EVN">'
    + coded("code", "27", "99.2.848")
    + f'{TIME}<consumable typeCode="CSM"><manufacturedProduct classCode="MANU">'
    '<manufacturedMaterial classCode="MMAT" determinerCode="KIND">'
    + coded("code", "11453", "11.1078")
    + "</manufacturedMaterial></manufacturedProduct></consumable></substanceAdministration>"
)
UNIT = coded("translation", "4", "11.1358", ' value="5"')
LIMIT = '<{0} value="5" unit="мм">' + UNIT + "</{0}>"
RANGE = (
    '<referenceRange><observationRange><text>5-6</text><value xsi:type="IVL_PQ">'
    + LIMIT.format("low")
    + LIMIT.format("high")
    + "</value></observationRange></referenceRange>"
)
VITALS = (
    f'<organizer classCode="CLUSTER" moodCode="EVN"><statusCode code="completed"/>{TIME}'
    '<precondition typeCode="PRCN"><criterion><code code="ASSERTION" codeSystem="2.16.840.1.113883.5.4"/>'
    f"{TEXT}</criterion></precondition>"
    '<component typeCode="COMP">'
    + field(
        "50",
        f'<value xsi:type="PQ" value="5" unit="мм">{UNIT}</value>'
        + part(field("6034", value("1", "99.2.778")))
        + part(field("8034", '<value xsi:type="INT" value="1"/>'))
        + RANGE,
        "99.2.262",
    )
    + "</component></organizer>"
)
AGE = part(field("12393", '<value xsi:type="INT" value="30"/>'))
DIAGNOSIS_204 = field(
    "1",
    f"<text>Текст</text>{TIME}"
    + value("J06.9", "11.1005")
    + part(field("7026", value("1", "99.2.795")))
    + part(field("12014", NULL))
    + part(field("823", value("W01", "11.1005")))
    + part(field("824", value("1", "11.1036")))
    + part(field("12120", TIME + value("1", "99.2.770") + AGE)),
    "11.1077",
)
BODY_204 = (
    entries(
        field("10000", TEXT),
        field("4073", ORGANISATION),
        field("12482", part(field("1", value("1", "11.1054"), "11.1057"))),
        VACCINATION,
    ),
    section("VITALPARAM", entries(VITALS))
    + section("DGN", entries(DIAGNOSIS_204))
    + section("LINKDOCS", entries(LINK)),
)
SCORE = part(
    field("8090", "<text>т</text>" + value("1", "99.2.951") + part(field("1", value("1", "99.2.1090"), "99.2.1091")))
)
REHABILITATION = entries(
    field("8092", TEXT),
    field("8093", NULL),
    field("4055", value("1", "99.2.1014")),
    field("8094", value("1", "99.2.1013", "<originalText>т</originalText>")),
) + section("REHABDGN", entries(field("8089", f'<text>т</text>{TIME}<value xsi:type="REAL" value="5"/>{SCORE}')))
BODY_195 = (
    entries(
        field("12159", TEXT),
        field("11016", PERIOD + part(field("11017", TIME))),
        field("11018", PERIOD),
        field("11020", TEXT),
    ),
    section("DGN", entries(field("1", "<text>т</text>" + value("J06.9", "11.1005"), "11.1077")))
    + section("RESREHABILITATION", REHABILITATION)
    + section("LINKDOCS", entries(LINK)),
)


def _with(text: str, before: str, addition: str) -> str:
    """``addition`` set before the first match of a pattern."""
    return re.sub(before, lambda found: addition + found[0], text, count=1)


def rich(kind: str, least: bytes) -> bytes:
    """The least document of kind 204 or 195, filled."""
    header, (docinfo, sections) = (PAYER + EVENT + ENCOUNTER, BODY_204) if kind == "204" else (PAYER, BODY_195)
    text = _with(least.decode(), r"</patient>", GUARDIAN)
    text = _with(text, r"<component>", header)
    text = _with(text, r"</section></component></structuredBody>", docinfo)
    return _with(text, r"</structuredBody>", sections).encode()
