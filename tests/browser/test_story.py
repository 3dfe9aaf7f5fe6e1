"""What the console is for: a failed document is found, followed to its rule, mended in the playground, registered."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from adapter.catalogue import builtin_root
from adapter.nsi.importer import import_folder
from adapter.stand.app import Options, create_stand
from adapter.stand.processing import Timing
from tests.browser.conftest import PICTURES, ROOT, Site, Visitor, chromium, visiting
from tests.service import egisz, environment, free_port, in_a_thread, serving

BUNDLES = ROOT / "examples" / "bundles"
CONCEPT = "mappings/concepts/administrative-gender.yaml"
HOSTILE = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>"


@dataclass
class Place:
    """A service with a worker, a stand and an empty catalogue of its own."""

    url: str
    home: Path
    variables: dict[str, str]

    @contextmanager
    def open(self) -> Iterator[Site]:
        with serving(self.variables, self.home) as served:
            yield Site(served, self.url, self.home)


@pytest.fixture(scope="module")
def place(database_url: str, nsi_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    chromium()
    home = tmp_path_factory.mktemp("story")
    import_folder(nsi_source, home / "data" / "nsi")
    (home / "catalogue").mkdir()
    port = free_port()
    stand = create_stand(Options(address=f"http://127.0.0.1:{port}/", timing=Timing(delay=0), validate=False))
    with in_a_thread(stand, port) as address:
        variables = environment(
            database_url, home, EGISZ_REMD_URL=f"{address}/", EGISZ_CATALOGUE=str(home / "catalogue"), EGISZ_LANG="ru"
        )
        egisz(variables, "sign", "test-keys", str(home / "data"), "--rsa", "--for", str(BUNDLES))
        yield Place(database_url, home, variables)


@pytest.fixture(scope="module")
def browser(place: Place) -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as running:
        made = running.chromium.launch(executable_path=chromium())
        yield made
        made.close()


def bundle(**changes: str) -> bytes:
    """The example with other values of the patient, and a set of its own."""
    found = json.loads((BUNDLES / "170-r4-rucore.json").read_text(encoding="utf-8"))
    for entry in found["entry"]:
        resource = entry["resource"]
        if resource["resourceType"] == "Patient":
            resource["gender"] = changes.get("gender", "male")
            resource["name"][0]["family"] = changes.get("family", "Тестов")
        if resource["resourceType"] == "Immunization":
            resource["lotNumber"] = changes.get("lot", "Т-100")
            resource["id"] = changes["id"]
    return json.dumps(found, ensure_ascii=False).encode()


def test_a_failed_document_is_followed_mended_and_registered(place: Place, browser: Any) -> None:
    with place.open() as site:
        task = site.served.send(bundle(id="story", gender="муж"))
        assert site.served.settled(task)["status"] == "failed"
        with visiting(site, browser) as visitor:
            document = found_and_followed(visitor)
            patch = mended(visitor)
    apply(place, patch)
    with place.open() as site, visiting(site, browser) as visitor:
        replayed(visitor, document)


def found_and_followed(visitor: Visitor) -> str:
    """From the list of what failed to the map that has no row for a code; the address of the document."""
    page = visitor.page
    visitor.sign_in()
    page.get_by_role("link", name="Очередь").click()
    page.locator("#state").select_option("failed")
    page.wait_for_url("**state=failed**")
    page.locator("tbody th a").first.click()
    page.wait_for_url("**/console/documents/**")
    document = str(page.url).partition("#")[0]
    visitor.looked_at("document-failed")
    page.locator(".found-list a[data-ways]").click()
    fact = page.locator(".ways li.on")
    assert "patient.gender" in fact.inner_text()
    assert '"муж"' in page.locator(".code-of .l:has(.v.on)").all_inner_texts()[0]
    visitor.looked_at("document-followed")
    fact.get_by_role("link", name=CONCEPT).click()
    page.wait_for_url("**/console/playground?**")
    return document


def mended(visitor: Visitor) -> Path:
    """A row for the code, tried until the document is fit to be sent; the patch."""
    page = visitor.page
    result = page.locator("#result")
    result.get_by_text("есть ошибки").wait_for()
    page.locator(".cm-line", has_text='male: "1"').first.click()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    page.keyboard.type("муж: ")
    page.locator(".cm-lint-marker-error").first.wait_for()
    visitor.looked_at("playground-wrong")
    page.keyboard.type('"1')
    result.get_by_text("годится").wait_for()
    assert "Мужской" in result.inner_text()
    visitor.looked_at("playground-mended")
    with page.expect_download() as download:
        page.get_by_role("button", name="Скачать правку").click()
    kept = PICTURES / "gender.patch"
    download.value.save_as(kept)
    return kept


def apply(place: Place, patch: Path) -> None:
    """What an author does with a patch: in the folder of the catalogue, over a copy of the built-in file."""
    file = place.home / "catalogue" / CONCEPT
    assert not file.exists(), "nothing of the catalogue was changed by the console"
    file.parent.mkdir(parents=True)
    shutil.copy(builtin_root() / CONCEPT, file)
    subprocess.run(["git", "apply", str(patch)], cwd=place.home / "catalogue", check=True)


def replayed(visitor: Visitor, document: str) -> None:
    """A replay after a look at what it would do; registered under a number."""
    page = visitor.page
    visitor.sign_in()
    visitor.go("/console/documents/" + document.rpartition("/")[2])
    page.get_by_role("button", name="Повторить…").click()
    page.wait_for_url("**/dry-run")
    page.locator("form.confirm button").click()
    page.wait_for_url("**/jobs/**")
    rows = visitor.site.served.until(
        lambda: visitor.site.query("select id from egisz.product where state = 'registered'")
    )
    visitor.go(f"/console/documents/{rows[0]['id']}")
    page.get_by_text("зарегистрирован", exact=True).wait_for()
    visitor.looked_at("document-registered")
    page.get_by_role("link", name="Обмен").click()
    page.get_by_text("sendRegisterDocumentResult", exact=True).wait_for()
    page.locator("details summary").first.click()
    visitor.looked_at("document-exchange")
    page.get_by_role("link", name="Версии").click()
    page.wait_for_url("**/versions")
    visitor.looked_at("document-versions")


@pytest.mark.parametrize(
    "look", [{"color_scheme": "dark"}, {"viewport": {"width": 820, "height": 1180}}], ids=["dark", "tablet"]
)
def test_hostile_text_is_text_in_every_look(place: Place, browser: Any, look: dict[str, Any]) -> None:
    with place.open() as site, visiting(site, browser, **look) as visitor:
        task = site.served.send(bundle(id="hostile", family=HOSTILE, lot=HOSTILE))
        site.served.settled(task)
        page = visitor.page
        visitor.sign_in()
        (row,) = site.query(
            "select product.id from egisz.product join egisz.submission_product link on link.product_id = product.id"
            " where link.submission_id = $1::uuid and kind = '170'",
            task,
        )
        name = "dark" if "color_scheme" in look else "tablet"
        visitor.go(f"/console/documents/{row['id']}")
        assert HOSTILE in page.locator(".paper").inner_text()
        visitor.looked_at(f"document-hostile-{name}")
        page.locator(".paper .v", has_text=HOSTILE).first.click()
        assert page.locator(".ways li.on").count() == 1
        visitor.go(f"/console/playground?document={row['id']}")
        page.locator(".cm-content").wait_for()
        visitor.looked_at(f"playground-{name}")
        visitor.go(f"/console/bundles/{task}")
        visitor.looked_at(f"bundle-{name}")
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= page.viewport_size["width"]


def test_ways_lead_from_pane_to_pane_without_scripts(place: Place, browser: Any) -> None:
    with place.open() as site, visiting(site, browser, java_script_enabled=False) as visitor:
        task = site.served.send(bundle(id="plain", lot="Т-555"))
        site.served.settled(task)
        page = visitor.page
        visitor.go(f"/console/sign-in?ticket={site.ticket()}")
        page.locator("button.primary").click()
        page.wait_for_url("**/console/")
        (row,) = site.query(
            "select product.id from egisz.product join egisz.submission_product link on link.product_id = product.id"
            " where link.submission_id = $1::uuid and kind = '170'",
            task,
        )
        visitor.go(f"/console/documents/{row['id']}")
        page.locator(".paper .v", has_text="Т-555").first.click()
        way = page.locator(".ways li:target")
        assert way.locator(".way").is_visible()
        way.locator("a", has_text="lotNumber").last.click()
        assert "Т-555" in page.locator(".l:target").inner_text()
        page.locator(".l:target .v").click()
        page.locator(".ways li:target").get_by_role("link", name="строка").first.click()
        assert "Т-555" in page.locator(".l:target").inner_text()
        visitor.go(f"/console/playground?document={row['id']}&file={CONCEPT}")
        page.locator("#text").fill(
            (builtin_root() / CONCEPT).read_text(encoding="utf-8").replace('male: "1"', 'male: "2"')
        )
        page.get_by_role("button", name="Попробовать").click()
        page.get_by_text("Что изменила правка").wait_for()
