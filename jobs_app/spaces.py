"""What the directory of spaces says: what spaces are called, and what may not be done with their files.

Of a deletion KooDrive's reference leaves open which of the two spaces it means, so it is held against both.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from . import documents
from .errors import Problem
from .models import Space
from .operations import LEAVING, TAKING_AWAY

# Whether the directory forbids to send a row of jobs_app_submission now, in SQL; ``forbidding`` says the same of one.
FORBIDDEN = f"""(jobs_app_submission.operation IN {LEAVING} AND EXISTS (
    SELECT FROM jobs_app_space AS held WHERE
    (held.space_id = jobs_app_submission.source_space
     OR held.space_id = jobs_app_submission.space AND jobs_app_submission.operation IN {TAKING_AWAY})
    AND (held.protected AND jobs_app_submission.operation IN {TAKING_AWAY}
         OR held.hold <> '' AND (held.hold_until IS NULL OR held.hold_until > now()))))"""  # noqa: S608  (constants only)
MOST_TO_CHOOSE = 1000
_SAYING = ("space_id", "name", "protected", "approval_always", "hold", "hold_until")


class Rules(NamedTuple):
    """What the directory says of a request: what is wrong with it, how many approvals it takes at least, and why."""

    problems: list[Problem]
    approvals: int
    why: list[str]


@dataclass(frozen=True)
class Known:
    """The spaces of some requests that stand in the directory, by id, and whether others may be used as well."""

    spaces: Mapping[str, Space]
    others_allowed: bool

    def rules(self, source: str, target: str, operation: str) -> Rules:
        """What holds for this operation on files of ``source``, with ``target`` as its other space."""
        now, found = timezone.now(), Rules([], 0, [])
        left, places = taken_from(source, target, operation), {source: "/taskInfo/srcContainerId"}
        places.setdefault(target, "/dstContainerId")
        for space_id, pointer in places.items():
            space = self.spaces.get(space_id)
            if space is None:
                found.problems.extend([] if self.others_allowed else [_unknown(pointer)])
                continue
            if space_id in left:
                found.problems.extend(Problem(pointer, *said) for said in forbidding(space, operation, now))
            if space.approval_always:
                found.why.append(f"Whatever is done with the space {space.name} takes an approval.")
        return found._replace(approvals=min(len(found.why), 1))


def of_directory(table: str) -> str:
    """The columns that say what may not be done with the files of a space, in SQL; ``known`` reads them."""
    return ", ".join(f"{table}.{column}" for column in _SAYING)


def known(rows: Iterable[Sequence[Any]], *, others_allowed: bool) -> Known:
    """The spaces whose columns (``of_directory``) these are; the policy says whether others may be used."""
    found = (Space.from_db(DEFAULT_DB_ALIAS, _SAYING, row) for row in rows)
    return Known({space.space_id: space for space in found}, others_allowed)


def found(ids: Iterable[str]) -> dict[str, Space]:
    """Those of these spaces that stand in the directory, by id."""
    return {space.space_id: space for space in Space.objects.filter(space_id__in=set(ids))}


def taken_from(source: str, target: str, operation: str) -> set[str]:
    """The spaces that files leave, or may leave, by this operation."""
    if operation not in LEAVING:
        return set()
    return {source, target} if operation in TAKING_AWAY else {source}


def forbidding(space: Space, operation: str, now: datetime) -> list[tuple[str, str]]:
    """Why files of this space may not leave it by this operation: codes, each with its sentence."""
    found = []
    if space.protected and operation in TAKING_AWAY:
        why = f"The space {space.name} is protected: nothing is moved to the recycle bin, or deleted, from it."
        found.append(("space_protected", f"{why} Two administrators may lift that."))
    if space.is_held(now):
        hold = space.hold
        if space.hold_until:
            hold = _(f"{hold} until {space.hold_until:%Y-%m-%d %H:%M} UTC")
        why = f"The space {space.name} is under the legal hold {hold}: nothing is moved or deleted from it."
        found.append(("space_on_hold", f"{why} Two administrators may lift it."))
    return found


def names(ids: Iterable[str]) -> dict[str, str]:
    """What the spaces are called, as far as the directory knows them; what can be no id has no name."""
    possible = {each for each in ids if not documents.FORBIDDEN.search(each)}
    return dict(Space.objects.filter(space_id__in=possible).values_list("space_id", "name"))


def ids_of(typed: Iterable[str]) -> dict[str, str]:
    """For each of these texts the id of the one space of that name, in whatever case; the text itself if there is none.

    What is the id of a space stays as it is, even if another space is called so.
    """
    texts = list(typed)
    meant = called(texts)
    return {each: meant[each][0] if len(meant.get(each, [])) == 1 else each for each in texts}


def called(typed: Iterable[str]) -> dict[str, list[str]]:
    """The ids of the spaces that have one of these names, in whatever case, sorted; of the id of a space nothing."""
    possible = {each for each in typed if each and not documents.FORBIDDEN.search(each)}
    names = Q(folded__in={each.lower() for each in possible})
    rows = Space.objects.annotate(folded=Lower("name")).filter(names | Q(space_id__in=possible))
    known, by_name = set(), defaultdict(list)
    for space_id, name in rows.order_by("space_id").values_list("space_id", "name") if possible else ():
        known.add(space_id)
        by_name[name.lower()].append(space_id)
    return {each: by_name[each.lower()] for each in possible - known if each.lower() in by_name}


def to_choose() -> dict[str, str]:
    """The first thousand spaces by name, for forms to choose from: id and name. Others are typed."""
    return dict(Space.objects.order_by("name", "space_id").values_list("space_id", "name")[:MOST_TO_CHOOSE])


def _unknown(pointer: str) -> Problem:
    detail = "This space isn't in the directory of spaces; check its id, or ask an administrator to add it."
    return Problem(pointer, "unknown_space", detail)
