"""What stands in the body of an answer, in any of the shapes that KooDrive and the gateways before it write."""

import json
import re
from dataclasses import dataclass
from typing import Any, Self

from django.utils.translation import gettext_noop as _

LONGEST_LINE = 1000  # characters kept of a message
_TASK_ID = re.compile(r"[0-9]{1,19}")
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")
_BUSINESS_CODE = re.compile(r"13000[0-9]{3}")
_GATEWAY_CODE = re.compile(r"APIGW?\.", re.IGNORECASE)
# Line ends and other control characters, which would let a message pretend to be several.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True)
class Reply:
    """A JSON object; ``code`` is text and None when absent, ``has_data`` tells a null from nothing at all."""

    code: str | None
    message: str
    data: Any
    has_data: bool

    @classmethod
    def read(cls, body: bytes) -> Self | None:
        """None when the body is anything but a JSON object in UTF-8."""
        try:
            value = json.loads(body.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            return None
        if not isinstance(value, dict):
            return None
        code = _code(_first(value, "code", "error_code"))
        message = line(_first(value, "msg", "error_msg")) or ""
        return cls(code, message, value.get("data"), "data" in value)

    @property
    def says_success(self) -> bool:
        return self.code in (None, "0")

    @property
    def is_an_error(self) -> bool:
        """Whether it names an error and nothing that was made."""
        return not self.says_success and task_id(self.data) is None

    @property
    def is_of_koodrive(self) -> bool:
        """Whether KooDrive's jobs API itself gave the code, not something before it."""
        return bool(_BUSINESS_CODE.fullmatch(self.code or ""))

    @property
    def is_of_gateway(self) -> bool:
        return bool(_GATEWAY_CODE.match(self.code or ""))

    def __str__(self) -> str:
        return f"{self.code or _('no code')} {self.message}".strip()


def _first(value: dict[str, Any], *names: str) -> Any:
    return next((value[name] for name in names if value.get(name) is not None), None)


def _code(value: Any) -> str | None:
    """An integer or a text; whatever else stands there is kept as JSON, which equals no known code."""
    if value is None:
        return None
    return line(value) if isinstance(value, str) or _is_integer(value) else line(json.dumps(value))


def task_id(value: Any) -> str | None:
    """A task's id as text: 1 to 19 digits, exact also when KooDrive writes an integer; a float is none."""
    digits = str(value) if _is_integer(value) else value
    return digits if isinstance(digits, str) and _TASK_ID.fullmatch(digits) else None


def integer(value: Any) -> int | None:
    """A whole number, given as such or as text."""
    digits = str(value) if _is_integer(value) else value
    return int(digits) if isinstance(digits, str) and _WHOLE_NUMBER.fullmatch(digits) else None


def text(value: Any) -> str | None:
    """A text as it stands, or an integer as text; None for all else. Only what no database takes is replaced."""
    if _is_integer(value):
        return str(value)
    return value.encode("utf-8", "replace").decode().replace("\0", "\ufffd") if isinstance(value, str) else None


def line(value: Any) -> str | None:
    """A text to be read by people, in one line of a bounded length."""
    whole = text(value)
    return None if whole is None else _CONTROL.sub(" ", whole).strip()[:LONGEST_LINE]


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
