"""What administrators do about the policy: tighten it at once, propose what is looser, end the set-up phase."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from . import audit, permissions, policies, proposals, rulebook, validators
from .actors import Actor
from .audit import Action
from .errors import Invalid, Problem, WrongState
from .models import Policy, Proposal
from .policies import InForce

SUBJECT = "policy"
_LOCK = 7411020  # PostgreSQL's, for whoever changes the policy; the trigger of migration 0014 takes it too


@dataclass(frozen=True)
class Changed:
    """The names of the rules that hold at once, and of those that wait for another administrator."""

    at_once: list[str]
    proposed: list[str]


def change(given: Mapping[str, Any], *, version: int, reason: str, by: Actor) -> Changed:
    """Makes the policy what a form says (``rulebook.read``): what is stricter at once, what is looser as a proposal.

    In the set-up phase all of it is done at once. ``version`` is that of the policy which the form showed.
    Raises ``NotAllowed``, ``Invalid`` with every problem, or ``WrongState`` when nothing or something else has changed,
    or while another looser change waits; nothing is done then.
    """
    permissions.require(permissions.change_policy(by), by=by, to="change the policy", confirmed=True)
    wanted, said = _read(given, reason)
    with transaction.atomic():
        now = _locked()
        if now.version != version:
            raise WrongState("The policy has changed since you loaded the page; look at it again, then change it.")
        differs = rulebook.changed(now.rules, wanted)
        if not differs:
            raise WrongState("The policy is what you said already, so nothing has changed.")
        looser = [name for name, pair in differs.items() if not now.in_set_up and rulebook.is_looser(name, *pair)]
        at_once = [name for name in differs if name not in looser]
        if looser:
            before, after = _sides({name: differs[name] for name in looser})
            kind = Proposal.Kind.POLICY
            proposals.propose(kind, SUBJECT, before=before, after=after, reason=said, by=by)
        if at_once:
            _store(now, {name: differs[name] for name in at_once}, reason=said, by=by)
    return Changed(at_once, looser)


def carry_out(proposal: Proposal, by: Actor) -> None:
    """Makes a confirmed proposal's change; raises ``WrongState`` when a rule of it isn't any more what it was."""
    now = _locked()
    found = {name: now.rules.get(name, 0) for name in proposal.before}
    if found != proposal.before:
        raise WrongState("These rules have changed since it was proposed; refuse it, and have it proposed anew.")
    pairs = {name: (proposal.before[name], proposal.after[name]) for name in proposal.after}
    _store(now, pairs, reason=proposal.reason, by=by, proposal=proposal)


def end_set_up(*, reason: str, by: Actor) -> None:
    """From now on and for good, what is looser takes two administrators.

    Raises ``NotAllowed``, ``Invalid`` without a reason, or ``WrongState`` when it is over already.
    """
    permissions.require(permissions.change_policy(by), by=by, to="end the set-up phase", confirmed=True)
    said = validators.reason(reason)
    with transaction.atomic():
        now = _locked()
        if not now.in_set_up:
            raise WrongState("The set-up phase is over already, so nothing has changed.")
        made = Policy.objects.create(rules=dict(now.rules), in_set_up=False, reason=said, by_id=by.key)
        audit.record(Action.POLICY_SET_UP, by=by, policy=f"policy:{made.pk}", reason=said)


def _locked() -> InForce:
    """What is in force; until this transaction's end nobody else changes it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    return policies.current()


def _store(
    now: InForce, pairs: Mapping[str, tuple[Any, Any]], *, reason: str, by: Actor, proposal: Proposal | None = None
) -> None:
    before, after = _sides(pairs)
    rules = rulebook.with_changes(now.rules, after)
    made = Policy.objects.create(rules=rules, in_set_up=now.in_set_up, reason=reason, by_id=by.key, proposal=proposal)
    audit.record(
        Action.POLICY_CHANGED,
        by=by,
        policy=f"policy:{made.pk}",
        reason=reason,
        proposal=proposal and proposal.ref,
        before=before,
        after=after,
    )


def _sides(pairs: Mapping[str, tuple[Any, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    return {name: pair[0] for name, pair in pairs.items()}, {name: pair[1] for name, pair in pairs.items()}


def _read(given: Mapping[str, Any], reason: str) -> tuple[dict[str, Any], str]:
    problems: list[Problem] = []
    wanted, said = {}, ""
    try:
        wanted = rulebook.read(given)
    except Invalid as error:
        problems += error.problems
    try:
        said = validators.reason(reason)
    except Invalid as error:
        problems += error.problems
    if problems:
        raise Invalid(problems)
    return wanted, said
