"""An administrator adds somebody, who sets their own password by the link; what takes two waits for another."""

from typing import Any

from playwright.sync_api import expect


def test_somebody_new_comes_in_and_nobody_else_knows_their_password(watch: Any) -> None:
    page = watch().sign_in("administrator")
    page.locator("summary", has_text="Administration").click()
    page.get_by_role("link", name="People").click()
    expect(page.get_by_text("Given in the last seven days without a second administrator")).to_be_visible()
    page.get_by_role("link", name="Add a person").click()
    page.get_by_label("Name").fill("not a name")
    page.get_by_label("operator", exact=True).check()
    page.get_by_label("approver").check()
    page.get_by_label("Last day").fill("2099-12-31")
    page.get_by_label("Reason").fill("the new team starts on Monday")
    page.get_by_role("button", name="Add").click()
    expect(page.locator(".invalid-feedback")).to_contain_text("Enter a valid username")
    expect(page.get_by_label("approver")).to_be_checked()
    page.get_by_label("Name").fill("nora")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("status")).to_contain_text("another administrator has to confirm it")
    link = page.locator("code").inner_text()

    nora = watch().page
    nora.goto(link)
    expect(nora.get_by_text("For nora.")).to_be_visible()
    assert link.rstrip("/").rsplit("/", 1)[1] not in nora.url
    nora.get_by_label("Password").fill("words that nobody else knows")
    nora.get_by_label("The same again").fill("words that nobody else knows")
    nora.get_by_role("button", name="Set it").click()
    nora.get_by_label("Name").fill("nora")
    nora.get_by_label("Password").fill("words that nobody else knows")
    nora.get_by_role("button", name="Sign in").click()
    expect(nora.get_by_role("heading", name="Home")).to_be_visible()
    nora.locator(".person", has_text="nora").click()
    expect(nora.locator(".menu-note")).to_have_text("operator")

    page.get_by_role("link", name="Go on").click()
    expect(page.get_by_role("region", name="Waits for another administrator")).to_be_visible()
    page.get_by_role("button", name="Withdraw").click()
    page.locator("form[action$='/deactivate/']").get_by_label("Reason").fill("she never came")
    page.get_by_role("button", name="Deactivate").click()
    expect(page.get_by_text("Deactivated").first).to_be_visible()
    nora.reload()
    expect(nora.get_by_role("heading", name="Sign in")).to_be_visible()
