"""Every page of the console as people see it: light and dark, on a desk and on a tablet, in both languages."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import DESKTOP, TABLET, Site, Visitor, visiting

PAGES = {
    "overview": "/console/",
    "overview-month": "/console/?period=month",
    "queue": "/console/queue",
    "queue-failed": "/console/queue?state=failed",
    "queue-nothing": "/console/queue?q=nobody",
    "bundles": "/console/queue?what=bundles",
    "books": "/console/books",
    "missing": "/console/nowhere",
}
LOOKS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "tablet": {"color_scheme": "light", "viewport": TABLET, "has_touch": True},
    "en": {"color_scheme": "light", "locale": "en-GB"},
}


@pytest.mark.parametrize("look", LOOKS)
def test_pages(site: Site, browser: Any, look: str) -> None:
    with visiting(site, browser, **LOOKS[look]) as visitor:
        visitor.go("/console/sign-in")
        visitor.looked_at(f"sign-in-{look}")
        visitor.sign_in()
        for name, path in PAGES.items():
            visitor.go(path)
            if name == "missing":
                # The browser itself tells of the status.
                visitor.complaints.clear()
            visitor.looked_at(f"{name}-{look}")
            width = visitor.page.evaluate("document.documentElement.scrollWidth")
            assert width <= LOOKS[look].get("viewport", DESKTOP)["width"], f"{name} is wider than the window"


def test_a_look_and_a_move_with_its_progress(visitor: Visitor) -> None:
    page = visitor.page
    visitor.go("/console/queue?state=held")
    page.locator("[data-tick-all]").check()
    marked = page.locator("input[name=ids]:checked").count()
    assert marked == page.locator("input[name=ids]").count() > 1
    assert page.locator("[data-ticked]").inner_text() == f"({marked})"
    page.locator("button[value=release]").click()
    page.wait_for_url("**/dry-run")
    visitor.looked_at("dry-run")
    page.locator("form.confirm button").click()
    page.wait_for_url("**/jobs/**")
    page.get_by_role("link", name="Назад").wait_for()
    assert page.locator("progress").get_attribute("value") == str(marked)
    visitor.looked_at("job-done")


def test_a_long_move_shows_how_far_it_has_come(visitor: Visitor) -> None:
    page = visitor.page
    visitor.go("/console/queue?state=failed")
    page.get_by_label("все найденные").check()
    page.locator("button[value=replay]").click()
    page.locator("form.confirm button").click()
    page.wait_for_url("**/jobs/**")
    page.get_by_role("link", name="Назад").wait_for()
    done, total = (int(page.locator("progress").get_attribute(name)) for name in ("value", "max"))
    assert done == total > 50
    visitor.looked_at("job-many")


def test_the_filter_answers_at_a_choice_and_the_address_follows(visitor: Visitor) -> None:
    page = visitor.page
    visitor.go("/console/queue")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.press("Tab")
    page.locator("#state").select_option("registered")
    page.wait_for_url("**state=registered**")
    badges = set(page.locator("#list .badge").all_inner_texts())
    assert badges == {"зарегистрирован"}
    # The whole page is there again, not the list alone.
    with page.expect_navigation():
        page.go_back(wait_until="commit")
    page.locator("#q").wait_for()
    page.locator("#list .badge", has_text="отклонён").first.wait_for()


def test_numbers_change_by_themselves(visitor: Visitor) -> None:
    page = visitor.page
    visitor.go("/console/")
    page.locator("[data-live-state]").wait_for()
    tile = page.locator(".tile", has_text="Придержаны")
    before = tile.locator(".big").inner_text()
    page.locator("details[data-keep] summary").click()
    some = "(select id from egisz.product where state = 'registered' limit 7)"
    visitor.site.query(f"update egisz.product set state = 'held' where id in {some}")
    tile.locator(".big", has_text=str(int(before) + 7)).wait_for()
    assert page.locator("details[data-keep]").get_attribute("open") is not None, "what was open stays open"


def test_everything_works_without_scripts(site: Site, browser: Any) -> None:
    with visiting(site, browser, java_script_enabled=False) as visitor:
        page = visitor.page
        visitor.go(f"/console/sign-in?ticket={site.ticket()}")
        page.locator("button.primary").click()
        page.wait_for_url("**/console/")
        page.get_by_role("link", name="Очередь").click()
        page.locator("#state").select_option("registered")
        page.get_by_role("button", name="Найти").click()
        page.wait_for_url("**state=registered**")
        page.get_by_role("link", name="Старше").click()
        page.wait_for_url("**after=**")
        visitor.go("/console/queue?state=awaiting")
        page.locator("input[name=ids]").first.check()
        page.locator("button[value=drop]").click()
        page.wait_for_url("**/dry-run")
        page.locator("form.confirm button").click()
        page.wait_for_url("**/jobs/**")
        page.get_by_role("link", name="Назад").click()
        page.wait_for_url("**state=awaiting**")
        page.get_by_role("button", name="Выйти").click()
        page.wait_for_url("**/sign-in")


def test_an_example_in_the_playground_and_what_is_typed_beside_it(visitor: Visitor) -> None:
    page = visitor.page
    visitor.go("/console/playground?file=templates/cda/body/170.xml.j2")
    page.get_by_label("Пример").select_option("170-r4-rucore")
    page.get_by_role("button", name="Взять").click()
    page.locator("#result .made").wait_for()
    page.locator(".cm-content").wait_for()
    visitor.looked_at("playground-example")
    page.locator(".cm-content").click()
    page.keyboard.press("Control+Home")
    page.keyboard.type("{{ facts.__class__ }}")
    page.locator("#result .finding.bad").first.wait_for()
    assert "шаблону это запрещено" in page.locator("#result").inner_text()
    visitor.looked_at("playground-forbidden")
