"""Which policy is in force, and what of it applies to a request: approvals and why, times, refusals."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache

from django.db import IntegrityError, connection
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from . import spaces, statements
from .actors import Actor, Kind
from .errors import Problem
from .models import Spent
from .rulebook import DEFAULTS, SPACE, Rules
from .spaces import Known
from .validators import Request

# Put together here because every submission does it, and Django composes it longer than PostgreSQL carries it out.
_CURRENT = f"""
    SELECT policy.id, policy.rules, policy.in_set_up, {spaces.of_directory("space")}
    FROM (SELECT max(id) AS id FROM jobs_app_policy) AS newest
    LEFT JOIN jobs_app_policy AS policy ON policy.id = newest.id
    LEFT JOIN jobs_app_space AS space ON space.space_id = ANY(%s::text[])
"""  # noqa: S608  (names of columns)
_COUNT = """
    INSERT INTO jobs_app_spent (owner, day, budget, items)
    SELECT %s, (now() AT TIME ZONE 'UTC')::date, budget, items
    FROM unnest(%s::text[], %s::bigint[]) AS more(budget, items)
    ON CONFLICT (owner, day, budget) DO UPDATE SET items = jobs_app_spent.items + EXCLUDED.items
    RETURNING budget, items
"""
_BUDGETS = {
    "trash": _("Items moved to the recycle bin"),
    "delete": _("Items deleted for good"),
    "leaving": _("Items that leave their space"),
}


@dataclass(frozen=True)
class InForce:
    """The rules that hold now; ``version`` is the number of the policy, 0 for the defaults.

    In the set-up phase one administrator alone may loosen it.
    """

    rules: Rules = field(default_factory=lambda: DEFAULTS)
    version: int = 0
    in_set_up: bool = True

    @property
    def open_for(self) -> timedelta:
        """How long a request waits for its approvals."""
        return timedelta(days=self.rules["open_days"])

    @property
    def send_within(self) -> timedelta | None:
        """How long approvals hold, from the last one or ``notBefore`` on; None: for ever."""
        hours = self.rules["send_hours"]
        return timedelta(hours=hours) if hours else None

    @property
    def unknown_spaces_allowed(self) -> bool:
        """Whether a request may name spaces that don't stand in the directory."""
        return bool(self.rules["unknown_spaces_allowed"])


@dataclass(frozen=True)
class Applies:
    """What the policy asks of one request: how many approvals, with a sentence for each rule that has a say in it."""

    approvals: int
    why: tuple[str, ...]
    open_for: timedelta
    send_within: timedelta | None


def current() -> InForce:
    return current_for([])[0]


def current_for(ids: Iterable[str]) -> tuple[InForce, Known]:
    """The policy, and what the directory says of these spaces, read at one moment."""
    found = statements.rows(_CURRENT, [sorted(set(ids))])
    version, rules, in_set_up = found[0][:3]
    # A rule that came with a later version of the portal has its default until somebody changes it.
    policy = InForce({**DEFAULTS, **json.loads(rules)}, version, in_set_up) if version else InForce()
    rows = [row[3:] for row in found if row[3] is not None]
    return policy, spaces.known(rows, others_allowed=policy.unknown_spaces_allowed)


def refusals(policy: InForce, request: Request) -> list[Problem]:
    """What the policy doesn't take of an otherwise valid request: warnings that it refuses, and a reason of no form."""
    codes = policy.rules["refused_warnings"]
    found = [
        Problem(each.pointer, each.code, f"{each.detail} The policy refuses it.")
        for each in request.warnings
        if each.code in codes
    ]
    pattern = policy.rules["reason_pattern"]
    if pattern and not _matches(pattern, request.reason):
        found.append(Problem("/reason", "reason_form", _(f"The policy wants a reason of this form: {pattern}")))
    return found


def applies(
    requests: Sequence[Request], *, by: Actor, policy: InForce | None = None, counting: bool = False
) -> list[Applies]:
    """What the policy asks of each of the requests, which are submitted together: limits hold for all of them.

    ``counting`` adds their items to the day's budgets, in the caller's transaction, which others of the same submitter
    wait for; without it nothing is stored, and the answer is what it would be now.
    """
    policy = policy or current()
    together = Counter[str]()
    for request in requests:
        together[request.operation.name] += len(request.files)
    over = _over(policy, requests, by, counting)
    return [_applies(policy, request, together[request.operation.name], over) for request in requests]


def has_changed(error: IntegrityError) -> bool:
    """Whether the database refused a new submission because a stricter policy came between."""
    return statements.refused_by(error) == "policy_in_force"


def _applies(policy: InForce, request: Request, together: int, over: dict[str, str]) -> Applies:
    asked = list(_asked(policy.rules, request, together))
    needed, why = max([count for count, _ in asked], default=0), [sentence for _, sentence in asked]
    if more := over.get(_budget(request) or ""):
        needed, why = needed + 1, [*why, more]
    return Applies(needed, tuple(why), policy.open_for, policy.send_within)


def _asked(rules: Rules, request: Request, together: int) -> Iterator[tuple[int, str]]:
    """Every rule that asks for approvals: how many, and in words. The most of them counts."""
    name = request.operation.name
    if count := rules[f"approvals.{name}"]:
        yield count, f"“{request.operation.label}” takes {_approvals(count)}."
    above, count = rules[f"above.{name}"], rules[f"approvals_above.{name}"]
    if count and above is not None and together > above:
        yield (
            count,
            f"“{request.operation.label}” of more than {above} items ({together} here) takes {_approvals(count)}.",
        )
    for space in dict.fromkeys([request.source, request.target]):
        if count := rules.get(f"{SPACE}{space}"):
            yield count, f"Anything from or to the space {space} takes {_approvals(count)}."
    yield from ((request.approvals, sentence) for sentence in request.approvals_why)


def _approvals(count: int) -> str:
    return _("1 approval") if count == 1 else _(f"{count} approvals")


# --- Budgets ---------------------------------------------------------------------------------------------------------
def _budget(request: Request) -> str | None:
    """Which of the daily budgets counts the request; a package leaves its space with whoever loads it."""
    name = request.operation.name
    if name in ("trash", "delete"):
        return name
    return "leaving" if name == "package" or request.source != request.target else None


def counts(requests: Sequence[Request], *, by: Actor, policy: InForce) -> bool:
    """Whether the requests count against a daily budget of the submitter."""
    return bool(_asked_of_budgets(policy, requests, by))


def _asked_of_budgets(policy: InForce, requests: Sequence[Request], by: Actor) -> Counter[str]:
    """How many items of each budget that is limited they ask for."""
    asked = Counter[str]()
    for request in requests:
        budget = _budget(request)
        if budget and policy.rules[_limit(by, budget)] is not None:
            asked[budget] += len(request.files)
    return asked


def _limit(by: Actor, budget: str) -> str:
    """The rule that limits it."""
    return f"budget.{by.kind}.{budget}"


def _over(policy: InForce, requests: Sequence[Request], by: Actor, counting: bool) -> dict[str, str]:
    """The budgets that these requests exceed today, each with the sentence that says so."""
    asked = _asked_of_budgets(policy, requests, by)
    limits = {budget: policy.rules[_limit(by, budget)] for budget in asked}
    used = _used(by, asked, counting) if asked else {}
    return {
        budget: f"{_BUDGETS[budget]} today: {items}, more than the {limits[budget]} that are free, "
        f"takes one approval more."
        for budget, items in used.items()
        if items > limits[budget]
    }


def _used(by: Actor, asked: Counter[str], counting: bool) -> dict[str, int]:
    """How much of each budget is used with what is asked for."""
    owner = by.key if by.kind is Kind.SERVICE else -by.key
    if counting:
        names = sorted(asked)  # in one order, so that two calls can't wait for each other
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, [owner, names, [asked[name] for name in names]])
            return dict(cursor.fetchall())
    rows = Spent.objects.filter(owner=owner, day=timezone.now().date(), budget__in=list(asked))
    before = dict(rows.values_list("budget", "items"))
    return {name: before.get(name, 0) + items for name, items in asked.items()}


@lru_cache(maxsize=256)
def _matches(pattern: str, reason: str) -> bool:
    return re.fullmatch(pattern, reason) is not None
