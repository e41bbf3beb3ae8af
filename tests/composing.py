"""Composing as a person's browser does it: the form's fields, and what stands on its pages."""

import html
import re
from collections.abc import Mapping
from typing import Any

from django.test import Client as Browser

from tests.examples import FOLDER, SPACE, file_id


def typed(operation: str, *files: str, **changes: str) -> dict[str, str]:
    """What a person types into the form."""
    given = {
        "operation": operation,
        "files": "\n".join(files or [f"{file_id(0)}\treport.pdf\t/root/report.pdf"]),
        "source": SPACE,
        "target": SPACE,
        "reason": "CHG-20311",
    }
    if operation in ("copy", "move", "extract"):
        given["folder"] = FOLDER
    return given | changes


def field(page: str, name: str) -> str:
    """What stands in a field of the page."""
    box = re.search(rf'<textarea[^>]*name="{name}"[^>]*>(.*?)</textarea>', page, re.S)
    found = box or re.search(rf'<input[^>]*name="{name}"[^>]*?value="([^"]*)"', page)
    return html.unescape(found.group(1)) if found else ""


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", html.unescape(answer.content.decode()))


def reviewed(browser: Browser, fields: Mapping[str, str]) -> str:
    """The page of the review."""
    answer = browser.post("/submissions/new/review/", fields)
    assert answer.status_code == 200, text(answer)
    return str(answer.content.decode())


def submit(browser: Browser, review: str, **said: str) -> Any:
    """Presses the button of the review, having said this."""
    return browser.post("/submissions/new/submit/", {"sealed": field(review, "sealed"), **said})
