"""What templates need beyond Django's own."""

import json
from collections.abc import Mapping
from typing import Any

from django import template

from ..koodrive.codes import explain
from ..states import LABELS, State

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
def get(values: Mapping[str, Any], name: str) -> Any:
    return values.get(name, "")


@register.filter
def pretty(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2)


@register.filter
def advice(code: str | None) -> str:
    """What KooDrive's code means and what to do, in words; empty for one that nobody knows."""
    known = explain(code)
    return f"{known.meaning} {known.advice}" if known else ""
