"""``make bench``: what other converters of FHIR to CDA need for a Bundle of the same size.

None of them makes СЭМД: they make documents of the United States of a Bundle in those terms, so the figures are a
measure of the work and not of the same output. They are installed into ``build/peers`` and never into the environment
of the project. One that cannot be had, or does not run, is named with the reason.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.bench.measure import table

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / "build" / "peers"
HEALTHCHAIN, CCDA = "healthchain[cda]==0.16.1", "@medplum/ccda@5"

_PYTHON = """
import json, sys, time
from fhir.resources.bundle import Bundle
from healthchain.interop import FormatType, create_interop
engine, text = create_interop(), open(sys.argv[1]).read()
def run():
    sent = json.loads(text)
    # It reads R5, where a Composition has several subjects, and makes one of its own.
    del sent["entry"][0]
    return engine.from_fhir(Bundle.model_validate(sent | {"type": "collection"}), FormatType.CDA)
times = []
for _ in range(30):
    begun = time.perf_counter(); made = run(); times.append(time.perf_counter() - begun)
print(json.dumps([sorted(times[10:])[10] * 1000, len(made)]))
"""

_NODE = """
import { readFileSync } from 'fs';
// Its library for clients looks at these when it is loaded; Node has no WebSocket before version 22.
for (const name of ['WebSocket', 'ErrorEvent', 'CloseEvent']) globalThis[name] ??= class {};
const { convertFhirToCcda, convertCcdaToXml } = await import('@medplum/ccda');
const text = readFileSync(process.argv[2], 'utf-8');
const run = () => convertCcdaToXml(convertFhirToCcda(JSON.parse(text)));
let times = [], made = '';
for (let i = 0; i < 200; i++) { const t = performance.now(); made = run(); times.push(performance.now() - t); }
times = times.slice(100).sort((a, b) => a - b);
console.log(JSON.stringify([times[50], made.length]));
"""


def bundle(size: int = 12) -> dict[str, Any]:
    """A document Bundle in the terms of the United States: a patient with problems, allergies and vaccinations."""

    def coded(system: str, code: str, display: str) -> dict[str, Any]:
        return {"coding": [{"system": system, "code": code, "display": display}], "text": display}

    subject = {"reference": "Patient/p"}
    clinical: list[dict[str, Any]] = [
        (
            {
                "resourceType": "Immunization",
                "id": f"i{index}",
                "status": "completed",
                "vaccineCode": coded("http://hl7.org/fhir/sid/cvx", "20", "DTaP"),
                "patient": subject,
                "occurrenceDateTime": "2024-02-15T10:15:00+03:00",
                "lotNumber": "T-100",
            }
            if index % 2
            else {
                "resourceType": "Condition",
                "id": f"c{index}",
                "clinicalStatus": coded("http://terminology.hl7.org/CodeSystem/condition-clinical", "active", "Active"),
                "code": coded("http://snomed.info/sct", "38341003", "Hypertension"),
                "subject": subject,
                "onsetDateTime": "2020-01-01",
            }
        )
        for index in range(size - 4)
    ]
    problems = [{"reference": f"Condition/{one['id']}"} for one in clinical if one["resourceType"] == "Condition"]
    vaccinations = [{"reference": f"Immunization/{one['id']}"} for one in clinical if "vaccineCode" in one]
    narrative = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">text</div>'}
    composition: dict[str, Any] = {
        "resourceType": "Composition",
        "id": "d",
        "status": "final",
        "type": coded("http://loinc.org", "34133-9", "Summarization of Episode Note"),
        "subject": subject,
        "author": [{"reference": "Practitioner/w"}],
        "custodian": {"reference": "Organization/o"},
        "date": "2024-02-15T10:20:00+03:00",
        "title": "Summary",
        "section": [
            {"title": "Problems", "code": coded("http://loinc.org", "11450-4", "Problem list"), "entry": problems},
            {"title": "Immunizations", "code": coded("http://loinc.org", "11369-6", "History"), "entry": vaccinations},
        ],
    }
    for section in composition["section"]:
        section["text"] = narrative
    name = [{"family": "Test", "given": ["Ann"], "use": "official"}]
    people = [
        {"resourceType": "Patient", "id": "p", "name": name, "gender": "female", "birthDate": "1985-03-01"},
        {"resourceType": "Practitioner", "id": "w", "name": name},
        {"resourceType": "Organization", "id": "o", "name": "Clinic"},
    ]
    entries = [{"fullUrl": f"urn:x:{one['id']}", "resource": one} for one in (composition, *people, *clinical)]
    return {"resourceType": "Bundle", "type": "document", "timestamp": "2024-02-15T10:20:00+03:00", "entry": entries}


def call(*command: str, timeout: int = 300) -> str:
    """Output of a command in the folder of the peers."""
    done = subprocess.run(command, cwd=HOME, check=True, capture_output=True, text=True, timeout=timeout)
    return done.stdout


def healthchain(file: Path) -> str:
    python = HOME / "venv" / "bin" / "python"
    if not python.exists():
        call(sys.executable, "-m", "venv", str(HOME / "venv"))
        call(str(python), "-m", "pip", "install", "--quiet", HEALTHCHAIN)
    return call(str(python), "-c", _PYTHON, str(file))


def ccda(file: Path) -> str:
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        raise FileNotFoundError("node and npm are not here")
    if not (HOME / "node_modules" / "@medplum" / "ccda").exists():
        call(npm, "install", "--no-save", "--silent", "--prefix", str(HOME), CCDA, CCDA.replace("ccda", "core"))
    script = HOME / "ccda.mjs"
    script.write_text(_NODE, "utf-8")
    return call(node, str(script), str(file))


def main() -> None:
    HOME.mkdir(parents=True, exist_ok=True)
    file = HOME / "bundle.json"
    file.write_text(json.dumps(bundle()), "utf-8")
    rows = {}
    for name, peer in ((HEALTHCHAIN, healthchain), (CCDA, ccda)):
        try:
            milliseconds, size = json.loads(peer(file).splitlines()[-1])
            rows[name] = f"{milliseconds:6.2f} ms, a document of {size / 1000:.0f} KB"
        except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
            rows[name] = f"not measured: {type(error).__name__}"
    table(f"peers: 12 resources, {file.stat().st_size / 1000:.0f} KB -> a document of the United States", rows)


if __name__ == "__main__":
    main()
