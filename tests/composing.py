"""Composing as a person's browser does it: the form's fields, and what stands on its pages."""

import html
import re
from collections.abc import Mapping
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser

from jobs_app.models import User
from tests.examples import FOLDER, SPACE, file_id
from tests.following import browser_of

NEW = "/submissions/new/"
REVIEW, TARGETS, BAD, PREVIEW = f"{NEW}review/", f"{NEW}targets/", f"{NEW}targets/bad-rows/", f"{NEW}preview/"


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


# --- Tables of targets -----------------------------------------------------------------------------------------------
def table(*lines: str, names: str = "fileId,name,filePath") -> str:
    return "\r\n".join([names, *lines]) + "\r\n"


def upload(content: str | bytes, name: str = "files.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content.encode() if isinstance(content, str) else content, "text/csv")


def done(person: User, do: str, fields: dict[str, str], **more: Any) -> str:
    """The form after what its button says."""
    answer = browser_of(person).post(TARGETS, {**fields, "do": do, **more})
    assert answer.status_code == 200, text(answer)
    return str(answer.content.decode())


def box(page: str) -> str:
    return field(page, "files").replace("\r\n", "\n")


def chosen(page: str) -> dict[str, str]:
    """What the page says of the columns."""
    selects = re.findall(r'<select[^>]*name="(\w+)".*?<option value="(\w*)" selected', page, re.S)
    return {**dict(selects), "columns_of": field(page, "columns_of")}


def said(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
