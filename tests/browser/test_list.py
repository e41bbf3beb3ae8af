"""The list by keyboard and while it refreshes, a filter that is kept, an archive out of which a part is extracted."""

import re
from typing import Any

from playwright.sync_api import expect

from tests.browser.test_whole_way import compose
from tests.examples import file_id


def test_rows_refresh_where_they_are_and_newer_ones_are_only_told_of(watch: Any) -> None:
    page = watch().sign_in("operator")
    compose(page, "Copy", file_id(501))
    page.get_by_role("button", name="Review").click()
    page.get_by_role("button", name="Submit").click()
    number = page.url.rstrip("/").rsplit("/", 1)[1]
    page.get_by_role("link", name="Tasks", exact=True).first.click()
    row = page.locator("tr", has=page.locator(f"#row-{number}"))
    expect(row).to_contain_text("Succeeded")
    page.keyboard.press("j")
    expect(page.locator("[data-rows] a[data-row]").first).to_be_focused()
    focused = page.evaluate("document.activeElement.id")

    other = watch().sign_in("operator")
    compose(other, "Copy", file_id(502))
    other.get_by_role("button", name="Review").click()
    other.get_by_role("button", name="Submit").click()
    expect(page.locator("#newer")).to_contain_text("newer than this list")
    assert page.evaluate("document.activeElement.id") == focused, "the refresh took the focus away"
    assert other.url.rstrip("/").rsplit("/", 1)[1] not in page.locator("[data-rows]").inner_html()
    page.get_by_role("button", name="Pause the refresh").click()
    expect(page.get_by_role("button", name="Pause the refresh")).to_have_attribute("aria-pressed", "true")
    page.locator("#newer a").click()
    expect(page.locator("[data-rows] tr").first).to_contain_text("CHG-20311")


def test_a_filter_is_kept_and_leads_back(watch: Any) -> None:
    page = watch().sign_in("operator")
    page.goto(page.url + "submissions/?status=refused")
    page.get_by_text("Keep this filter").click()
    page.get_by_label("Name of the filter").fill("refused ones")
    page.get_by_role("button", name="Keep").click()
    page.get_by_role("link", name="Clear the filters").first.click()
    page.get_by_role("link", name="refused ones").click()
    expect(page).to_have_url(re.compile(r"\?status=refused$"))
    page.get_by_role("button", name="Forget the filter refused ones").click()
    expect(page.get_by_text("The filter is forgotten.")).to_be_visible()


def test_what_is_ticked_in_an_archive_is_extracted(watch: Any) -> None:
    page = watch().sign_in("operator")
    compose(page, "List an archive", file_id(503))
    page.get_by_role("button", name="Review").click()
    page.get_by_role("button", name="Submit").click()
    page.get_by_role("link", name="choose what to extract").click()
    page.get_by_label("readme.txt").check()
    page.get_by_role("button", name="Extract what is ticked").click()
    expect(page.get_by_role("heading", name="Extract part of an archive")).to_be_visible()
    expect(page.locator("[name=entries]")).to_have_value("readme.txt")
