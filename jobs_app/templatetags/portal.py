"""What templates need beyond Django's own."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from .. import moments
from ..koodrive.codes import explain
from ..operations import BY_NAME
from ..states import LABELS, State
from ..wording import translated as in_the_language

register = template.Library()

_ICONS = {
    State.AWAITING_APPROVAL: "◷",
    State.QUEUED: "…",
    State.SENDING: "↑",
    State.ACCEPTED: "◔",
    State.RUNNING: "◑",
    State.UNKNOWN: "?",
    State.SUCCEEDED: "✓",
    State.PARTIALLY_FAILED: "◐",
    State.FAILED: "✕",
    State.REFUSED: "⊘",
    State.REJECTED: "✋",
    State.EXPIRED: "⌛",
    State.CANCELLED: "■",
    State.CLOSED: "▣",
}


@register.filter
def icon(status: str) -> str:
    return _ICONS[State(status)]


@register.filter
def state_label(status: str) -> str:
    return LABELS[State(status)]


@register.filter
def operation_label(name: str) -> str:
    return BY_NAME[name].label


@register.filter
def translated(text: object) -> str:
    """A text of the portal in the language of the page and the reader's zone, also a sentence that was filled in."""
    return moments.in_zone(in_the_language(str(text)))


@register.filter
def get(values: Mapping[str, Any], name: str) -> Any:
    return values.get(name, "")


@register.filter
def pretty(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2)


@register.filter
def when(moment: datetime | str, place: str = "") -> SafeString:
    """A time in the reader's zone with its name, the exact UTC on hover; in a ``cell`` the name stands in the head.

    A text is a time as the trail writes it.
    """
    exact = (datetime.fromisoformat(moment) if isinstance(moment, str) else moment).astimezone(UTC)
    text = moments.local(exact) if place == "cell" else moments.shown(exact)
    return format_html('<time datetime="{0}" title="{0}">{1}</time>', exact.isoformat(), text)


@register.simple_tag
def zone() -> str:
    """What the reader's zone is called."""
    return moments.zone_name()


@register.filter
def advice(code: str | None) -> str:
    """What KooDrive's code means and what to do, in words; empty for one that nobody knows."""
    known = explain(code)
    return f"{known.meaning} {known.advice}" if known else ""
