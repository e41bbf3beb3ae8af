"""Composing in a browser: tables that are dropped, mended and dropped again, the draft that is kept, the review."""

import base64
import re
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Dialog, Page, Route, expect

from tests.browser.test_whole_way import compose
from tests.examples import FOLDER, OTHER_SPACE, SPACE, file_id

# What is promised of a table of so many lines, from the drop to the review; this machine may do other things as well.
PROMISED = {1000: 3, 10_000: 15}
PATIENCE = 2
DRAFTS = "Object.keys(localStorage).filter((each) => each.startsWith('draft:'))"


def fill(page: Page) -> None:
    page.get_by_label("Space that the files are in").fill(SPACE)
    page.get_by_label("Target space").fill(SPACE)
    page.get_by_label("Target folder").fill(FOLDER)
    page.get_by_label("Reason or ticket").fill("CHG-20311")


def begun(watched: Any, operation: str) -> Page:
    page: Page = watched.sign_in("operator")
    page.goto(f"{watched.url}/submissions/new/?operation={operation}")
    return page


def table(*lines: str) -> bytes:
    return "\r\n".join(["fileId,name,filePath", *lines]).encode()


def numbered(first: int, count: int) -> list[str]:
    return [f"{file_id(n)},report {n}.pdf,/root/reports/{n}.pdf" for n in range(first, first + count)]


def drop(page: Page, content: bytes, name: str = "files.csv") -> None:
    """As a hand drops it, over the place for it."""
    give = """([bytes, name]) => {
        const data = new DataTransfer();
        const content = Uint8Array.from(atob(bytes), (each) => each.charCodeAt(0));
        data.items.add(new File([content], name, {type: "text/csv"}));
        return data;
    }"""
    data = page.evaluate_handle(give, [base64.b64encode(content).decode(), name])
    page.dispatch_event("[data-drop]", "dragover", {"dataTransfer": data})
    page.dispatch_event("[data-drop]", "drop", {"dataTransfer": data})


def review(page: Page) -> None:
    page.get_by_role("button", name="Review", exact=True).last.click()
    page.get_by_role("heading", name="Review").wait_for()


@pytest.mark.parametrize("files", PROMISED)
def test_a_table_is_dropped_reviewed_and_submitted_soon(watch: Any, files: int) -> None:
    page = begun(watch(), "copy")
    fill(page)
    begin = time.monotonic()
    drop(page, table(*numbered(files * 1000, files)))
    expect(page.get_by_text(f"“files.csv”: {files} files.")).to_be_visible()
    review(page)
    took = time.monotonic() - begin
    print(f"{files} files: {took:.1f} s from the drop to the review")
    expect(page.locator(".lead")).to_contain_text(f"{files} files or folders")
    page.get_by_role("button", name="Submit").click()
    expect(page).to_have_url(
        re.compile(r"/(submissions|batches)/[0-9a-f-]{36}/$" if files > 1000 else r"/submissions/")
    )
    assert took < PROMISED[files] * PATIENCE


def test_a_large_table_shows_how_far_it_is(watch: Any) -> None:
    page = begun(watch(), "copy")
    page.evaluate("""() => {
        const seen = window.seen = new Set();
        const look = () => document.querySelectorAll("[data-progress] span").forEach((each) => {
            if (each.checkVisibility()) seen.add(each.textContent);
        });
        new MutationObserver(look).observe(document.body, {subtree: true, attributes: true, childList: true});
    }""")
    drop(page, table(*numbered(200_000, 10_000)))
    expect(page.get_by_text("“files.csv”: 10000 files.")).to_be_visible()
    assert "Checking every line…" in page.evaluate("[...window.seen]")
    expect(page.locator("[data-progress]")).to_be_hidden()


def test_bad_lines_are_loaded_down_mended_and_dropped_again(watch: Any, tmp_path: Path) -> None:
    page = begun(watch(), "copy")
    fill(page)
    drop(page, table(*numbered(300_000, 30), ",nameless,", "1.30924E+18,rounded,", f"{file_id(300_001)},twice,"))
    expect(page.get_by_text("3 lines have to be mended.", exact=False).first).to_be_visible()
    expect(page.locator("#targets")).to_contain_text("A spreadsheet has rounded this id")
    with page.expect_download() as loading:
        page.get_by_role("button", name="Load down the lines with errors").click()
    loading.value.save_as(tmp_path / "to-mend.csv")
    names, first, second, _third = (tmp_path / "to-mend.csv").read_text(encoding="utf-8-sig").splitlines()
    mended = [names, f"{file_id(300_100)}{first}", second.replace("'1.30924E+18", "'1309243162258308352")]
    drop(page, "\n".join(mended).encode(), "mended.csv")
    expect(page.get_by_text("They took the place of the 3 lines that had errors.")).to_be_visible()
    expect(page.locator("#count")).to_have_text("32")
    review(page)
    page.get_by_role("button", name="Show all 32").click()
    expect(page.locator("#files")).to_contain_text("1309243162258308352")


def test_repeated_lines_go_with_one_click(watch: Any) -> None:
    page = begun(watch(), "copy")
    drop(page, table(*numbered(1, 3), *numbered(1, 3)))
    page.get_by_role("button", name="Remove 3 repeated lines").click()
    expect(page.get_by_text("3 lines that named a file again are gone.")).to_be_visible()
    expect(page.locator("#count")).to_have_text("3")


def test_columns_are_chosen_and_rows_edited(watch: Any) -> None:
    page = begun(watch(), "copy")
    fill(page)
    drop(page, f"Objekt;Kennung;Ort\nReport;{file_id(1)};/root/a\nLetter;{file_id(2)};/root/b".encode("gb18030"))
    expect(page.get_by_label("Id", exact=True)).to_have_value("2")
    page.get_by_label("Name for people").select_option("Objekt")
    page.get_by_role("button", name="Read it so").click()
    page.get_by_role("button", name="Edit row by row").click()
    expect(page.get_by_role("textbox", name="Name for people 2")).to_have_value("Report")
    page.get_by_role("textbox", name="Name for people 2").fill("Report, changed")
    review(page)
    expect(page.locator("#files")).to_contain_text("Report, changed")


def test_a_draft_outlives_a_reload_and_goes_with_the_submission(watch: Any) -> None:
    watched = watch()
    page = begun(watched, "extract")
    page.locator("[name=files]").fill(file_id(9))
    fill(page)
    page.get_by_label("Archive password").fill("kanarienvogel")
    expect(page.get_by_text("The draft is kept in this browser.")).to_be_visible()
    page.goto(f"{watched.url}/submissions/")
    assert "kanarienvogel" not in str(page.evaluate("JSON.stringify(localStorage)"))
    page.locator("#new-task").click()
    page.locator("#drafts").get_by_role("link", name="Extract archives").click()
    expect(page.get_by_text("This is your draft, as you left it.")).to_be_visible()
    expect(page.locator("[name=files]")).to_have_value(file_id(9))
    expect(page.get_by_label("Reason or ticket")).to_have_value("CHG-20311")
    expect(page.get_by_label("Archive password")).to_have_value("")
    expect(page.locator("#count")).to_have_text("1")
    page.get_by_role("button", name="Review", exact=True).last.click()
    page.get_by_role("button", name="Submit").click()
    expect(page).to_have_url(re.compile(r"/submissions/[0-9a-f-]{36}/$"))
    page.locator("#new-task").click()
    expect(page.locator("#drafts")).to_be_hidden()


def test_a_draft_outlives_signing_in_again_and_is_nobody_else_s(watch: Any) -> None:
    watched = watch()
    page = begun(watched, "copy")
    page.locator("[name=files]").fill(file_id(10))
    expect(page.get_by_text("The draft is kept in this browser.")).to_be_visible()
    page.context.clear_cookies()
    page.get_by_role("button", name="Review", exact=True).last.click()
    page.get_by_label("Name").fill("operator")
    page.get_by_label("Password").fill(watched._stack.password)
    page.get_by_role("button", name="Sign in").click()
    page.locator("#drafts").get_by_role("link", name="Copy").click()
    expect(page.locator("[name=files]")).to_have_value(file_id(10))
    page.get_by_role("button", name="Discard the draft").click()
    expect(page.locator("[name=files]")).to_have_value("")
    assert page.evaluate(DRAFTS) == []


def test_all_drafts_are_discarded_at_once_but_nobody_else_s(watch: Any) -> None:
    watched = watch()
    page = watched.sign_in("operator")
    for operation in ("copy", "move"):
        page.goto(f"{watched.url}/submissions/new/?operation={operation}")
        page.locator("[name=files]").fill(file_id(11))
        expect(page.get_by_text("The draft is kept in this browser.")).to_be_visible()
    page.evaluate("localStorage.setItem('draft:0:copy:', JSON.stringify({at: Date.now(), label: 'Copy', values: {}}))")
    page.locator("#new-task").click()
    expect(page.locator("#drafts li")).to_have_count(2)
    page.get_by_role("button", name="Discard all drafts").click()
    expect(page.locator("#drafts")).to_be_hidden()
    assert page.evaluate(DRAFTS) == ["draft:0:copy:"]


def test_the_target_is_the_source_until_it_is_said_otherwise(watch: Any) -> None:
    page = begun(watch(), "copy")
    source, target = page.get_by_label("Space that the files are in"), page.get_by_label("Target space")
    source.fill(SPACE)
    source.blur()
    expect(target).to_have_value(SPACE)
    source.fill(OTHER_SPACE)
    source.blur()
    expect(target).to_have_value(SPACE)


def test_a_discarded_draft_is_not_saved_once_more_while_the_page_is_left(watch: Any) -> None:
    page = begun(watch(), "copy")
    page.locator("[name=files]").fill(file_id(10))

    def slowly(route: Route) -> None:
        time.sleep(1)
        route.continue_()

    page.route(page.url, slowly)
    with page.expect_navigation():
        page.evaluate(
            "document.querySelector('[name=files]').dispatchEvent(new Event('input', {bubbles: true}));"
            "document.querySelector('[data-draft-discard]').click()"
        )
    assert page.evaluate(DRAFTS) == []
    expect(page.locator("[name=files]")).to_have_value("")


def test_leaving_with_changes_asks_and_going_on_does_not(watch: Any) -> None:
    page = begun(watch(), "copy")
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", answer)
    page.locator("[name=files]").press_sequentially(file_id(11))
    with page.expect_event("dialog"):
        page.get_by_role("link", name="Choose another operation").click()
    assert asked == ["beforeunload"]
    expect(page.locator("[name=files]")).to_have_value(file_id(11))
    fill(page)
    review(page)
    assert asked == ["beforeunload"]


def test_a_deletion_is_off_until_its_phrase_stands_there_and_coming_back_makes_no_second_one(watch: Any) -> None:
    page = begun(watch(), "delete")
    page.locator("[name=files]").fill(f"{file_id(501)}\n{file_id(502)}")
    page.get_by_label("Space that the files are in").fill(SPACE)
    page.get_by_label("Target space").fill(SPACE)
    page.get_by_label("Reason or ticket").fill("CHG-20311")
    review(page)
    button = page.get_by_role("button", name="Submit for approval")
    expect(button).to_be_disabled()
    phrase = page.get_by_label("To go on, type")
    phrase.fill(f"delete 1 from {SPACE}")
    expect(button).to_be_disabled()
    phrase.fill(f"delete 2 from {SPACE}")
    button.dblclick()
    expect(page.locator(".chip").first).to_contain_text("Awaiting approval")
    made = page.url
    page.go_back()
    expect(page.locator("[name=files]")).to_have_value("")
    expect(page.locator("#draft")).to_be_hidden()
    page.go_forward()
    expect(page).to_have_url(made)
    page.get_by_role("button", name="Cancel", exact=True).click()  # so that nobody else finds it waiting
    expect(page.locator(".chip").first).to_contain_text("Cancelled")


def test_going_back_or_loading_anew_before_it_is_submitted_gives_the_form_as_it_was(watch: Any) -> None:
    page = begun(watch(), "copy")
    page.locator("[name=files]").fill(file_id(14))
    fill(page)
    review(page)
    page.reload()
    expect(page.locator("[name=files]")).to_have_value(file_id(14))
    review(page)
    page.get_by_role("button", name="Back").click()
    expect(page.locator("[name=files]")).to_have_value(file_id(14))


def test_the_preview_follows_what_is_typed(watch: Any) -> None:
    page = begun(watch(), "copy")
    page.locator("[name=files]").press_sequentially(file_id(12))
    expect(page.locator("#preview")).to_contain_text("Still to be filled in: Space that the files are in")
    fill(page)
    expect(page.locator("#preview")).to_contain_text("No approval is needed.")
    page.locator("#preview summary").click()
    expect(page.locator("#preview pre")).to_contain_text(f'"fileId": "{file_id(12)}"')


def test_a_table_is_taken_without_a_script_on_a_narrow_screen(watch: Any, tmp_path: Path) -> None:
    page = watch(java_script_enabled=False, viewport={"width": 360, "height": 740}).sign_in("operator")
    compose(page, "Copy", file_id(13))
    (tmp_path / "files.csv").write_bytes(table(*numbered(600_000, 3), f"{file_id(600_001)},twice,"))
    page.locator("[name=table]").set_input_files(tmp_path / "files.csv")
    page.get_by_role("button", name="Review", exact=True).last.click()
    expect(page.locator("#targets")).to_contain_text("Name each file once; this is the one of line 3.")
    page.get_by_role("button", name="Remove 1 repeated line").click()
    page.get_by_role("button", name="Review", exact=True).last.click()
    expect(page.locator("#files")).to_contain_text("report 600002.pdf")
    page.get_by_role("button", name="Submit").click()
    expect(page.locator("#content")).to_contain_text("CHG-20311")
