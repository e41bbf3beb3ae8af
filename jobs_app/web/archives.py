"""What an archive holds, as a tree out of which people choose what to extract."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from .. import listing, permissions
from ..models import ArchiveEntry
from .actor import actor_of
from .pages import visible_or_404, with_cursor

DEEPEST = 20  # levels of the tree; what lies deeper stands at the last one


@dataclass
class Node:
    """A folder or file of the tree; ``entry`` is None for a folder that the archive doesn't list by itself."""

    name: str
    entry: ArchiveEntry | None = None
    inside: dict[str, "Node"] = field(default_factory=dict)

    @property
    def is_folder(self) -> bool:
        return bool(self.inside) or (self.entry is not None and bool(self.entry.is_folder))

    @property
    def nodes(self) -> list["Node"]:
        return list(self.inside.values())


@require_GET
def entries(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What is in the archive, page by page, with a box at each entry."""
    row, by = visible_or_404(request, pk), actor_of(request)
    page = listing.entries(row, cursor=request.GET.get("cursor", ""), limit=listing.LONGEST_PAGE)
    context = {
        "row": row,
        "nodes": tree(page.rows),
        "may_extract": permissions.submit(by) is None and row.operation == "preview_archive",
        "following": with_cursor(request, page.following),
        "preceding": with_cursor(request, page.preceding),
    }
    return render(request, "entries.html", context)


def tree(rows: Iterable[ArchiveEntry]) -> list[Node]:
    """The entries by the folders of their paths, in the order in which the archive has them."""
    root = Node("")
    for entry in rows:
        parts = [part for part in entry.name.split("/") if part] or [entry.name]
        parts = [*parts[: DEEPEST - 1], "/".join(parts[DEEPEST - 1 :])] if len(parts) > DEEPEST else parts
        node = root
        for part in parts:
            node = node.inside.setdefault(part, Node(part))
        node.entry = entry
    return root.nodes
