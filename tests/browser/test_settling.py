"""An outcome that nobody knows is settled by a person, from what KooDrive shows beside what was asked for."""

from collections.abc import Callable
from typing import Any

import requests
from playwright.sync_api import Page, expect

from jobs_app.koodrive.sandbox.magic import file_id as magic
from tests.browser.test_whole_way import compose
from tests.examples import FOLDER, SPACE, body, file_id
from tests.processes import eventually


def copied_into(watched: Any, file: str, *folders: str) -> list[str]:
    """The pages of copies of one file, made one right after the other: KooDrive's list can't tell them apart."""
    found = []
    for folder in folders:
        info = {"fileInfo": [{"fileId": file}], "srcContainerId": SPACE, "newFilePath": folder}
        made = requests.post(
            f"{watched.url}/api/v1/submissions/",
            json=body("copy", taskInfo=info),
            headers={"Authorization": f"Bearer {watched._stack.token}"},
            timeout=30,
        )
        assert made.status_code == 201, made.text
        found.append(f"{watched.url}/submissions/{made.json()['id']}/")
    return found


def open_in_doubt(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator(".chip").first).to_contain_text("Outcome unknown")


def look_again(page: Page) -> None:
    """Has KooDrive looked at now."""
    with page.expect_navigation():
        page.get_by_role("button", name="Look into KooDrive again").click()


def loaded_until(page: Page, is_found: Callable[[], bool]) -> None:
    """Loads the page anew until what is waited for stands on it."""

    def found_anew() -> bool:
        page.reload()
        return is_found()

    eventually(found_anew, what="what was looked for stands on the page")


def test_of_two_tasks_that_both_may_be_it_a_person_binds_one_and_the_other_is_plain_then(watch: Any) -> None:
    watched = watch()
    page = watched.sign_in("operator")
    first, second = copied_into(watched, magic("lost", 31), FOLDER, file_id(99))
    open_in_doubt(page, second)
    open_in_doubt(page, first)
    candidates = page.get_by_role("columnheader", name="Task")
    look_again(page)
    loaded_until(page, lambda: candidates.count() == 2)
    task = candidates.first.locator("code").inner_text()
    page.get_by_label("KooDrive task id").fill(task)
    page.locator("form", has_text="This task is it").get_by_label("Reason").fill(
        "CHG-20313: looked at both in KooDrive"
    )
    page.get_by_role("button", name="Bind the task").click()
    expect(page.locator("#task-id")).to_have_text(task)
    expect(page.locator(".chip").first).to_contain_text("Succeeded")
    expect(page.locator(".timeline")).to_contain_text("CHG-20313: looked at both in KooDrive")
    # One task is left that can be the second one.
    open_in_doubt(page, second)
    look_again(page)
    expect(page.locator(".chip").first).to_contain_text("Succeeded")
    expect(page.locator("#task-id")).not_to_have_text(task)


def test_what_never_came_to_be_is_closed_with_a_reason(watch: Any) -> None:
    page = watch().sign_in("operator")
    compose(page, "Copy", magic("dropped", 32))
    page.get_by_role("button", name="Review").click()
    page.get_by_role("button", name="Submit").click()
    # The page loads itself anew when there is something to be done.
    closing = page.locator("form", has_text="Nobody can tell, or it never came to be")
    closing.get_by_label("Reason").fill("CHG-20314: the folder is as it was")
    closing.get_by_role("button", name="Close without a task").click()
    expect(page.locator(".chip").first).to_contain_text("Closed")
    expect(page.locator(".timeline")).to_contain_text("CHG-20314: the folder is as it was")
