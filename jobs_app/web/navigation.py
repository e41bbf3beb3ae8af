"""Where one can go: the entries of the navigation, each for whoever may open its page, and which of them one is at."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext_noop as _

from .. import permissions
from ..actors import Actor
from ..permissions import Refusal

Right = Callable[[Actor], Refusal]


@dataclass(frozen=True)
class Entry:
    """A page; ``also`` are the beginnings of addresses that belong to it as well, ``badge`` a count of the context."""

    page: str
    label: str
    right: Right
    also: tuple[str, ...] = ()
    badge: str = ""


@dataclass(frozen=True)
class Group:
    """Pages under one word; ``label`` is empty for those that stand for themselves."""

    label: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Link:
    """An entry as one person sees it; ``current`` is the value of ``aria-current``, empty elsewhere."""

    label: str
    address: str
    badge: str
    current: str


@dataclass(frozen=True)
class Menu:
    """A group as one person sees it."""

    label: str
    links: list[Link]

    @property
    def is_current(self) -> bool:
        return any(link.current for link in self.links)


GROUPS = (
    Group(
        "",
        (
            Entry("submissions", _("Tasks"), permissions.read_submissions, also=("/batches/",)),
            Entry("approvals", _("Approvals"), permissions.read_submissions, badge="waiting_for_me"),
            Entry("unknowns", _("Unknown"), permissions.read_submissions, badge="need_a_person"),
        ),
    ),
    Group(
        _("Audit"),
        (
            Entry("audit", _("Trail"), permissions.read_trail),
            Entry("exports", _("Exports"), permissions.export),
            Entry("foreign", _("Tasks from elsewhere"), permissions.see_foreign),
        ),
    ),
    Group(
        _("Administration"),
        (
            Entry("policy", _("Policy"), permissions.see_policy),
            Entry("spaces", _("Spaces"), permissions.see_spaces),
            Entry("people", _("People"), permissions.see_people),
            Entry("tokens", _("Services"), permissions.manage_services),
            Entry("callbacks", _("Callbacks"), permissions.see_callbacks),
            Entry("credentials", _("Credentials"), permissions.set_credentials),
            Entry("health", _("Health"), permissions.see_health),
            Entry("set-up", _("Set-up"), permissions.manage_people),
        ),
    ),
)


def menus(actor: Actor, path: str) -> list[Menu]:
    """What the actor may open; the entry whose address is the longest beginning of ``path`` is the current one."""
    allowed = [(group, [entry for entry in group.entries if entry.right(actor) is None]) for group in GROUPS]
    at = _current((entry for _group, entries in allowed for entry in entries), path)
    return [
        Menu(group.label, [_link(entry, path, is_current=entry is at) for entry in entries])
        for group, entries in allowed
        if entries
    ]


def _current(entries: Iterable[Entry], path: str) -> Entry | None:
    found = [(start, entry) for entry in entries for start in _starts(entry) if path.startswith(start)]
    return max(found, key=lambda each: len(each[0]))[1] if found else None


def _starts(entry: Entry) -> tuple[str, ...]:
    return (reverse(entry.page), *entry.also)


def _link(entry: Entry, path: str, *, is_current: bool) -> Link:
    address = reverse(entry.page)
    current = ("page" if path == address else "true") if is_current else ""
    return Link(entry.label, address, entry.badge, current)
