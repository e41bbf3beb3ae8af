"""What a policy can say: its rules, the bounds of each, and which change of one is looser than what was."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .documents import FORBIDDEN, LONGEST_ID
from .errors import Invalid, Problem
from .operations import OPERATIONS

MOST_APPROVALS = 3
MOST_ITEMS = 10_000_000
MOST_SPACES = 500
LONGEST_PATTERN = 200
WARNINGS = ("target_folder_missing", "file_path_missing")  # the codes of warnings that a policy can refuse
SPACE = "space."
# What a budget counts, and for whom.
BUDGETS = ("trash", "delete", "leaving")
OWNERS = ("person", "service")

Rules = Mapping[str, Any]


class Kind(StrEnum):
    """How a rule's value is read, and which of two values is the stricter one."""

    FLOOR = "floor"  # a number; more is stricter
    CEILING = "ceiling"  # a number; less is stricter, None is no limit at all
    CODES = "codes"  # a list; more of them is stricter
    PATTERN = "pattern"  # any is stricter than none; of two others nobody can tell
    LEAVE = "leave"  # true allows something


@dataclass(frozen=True)
class Rule:
    """One rule of a policy: its default, and the bounds of a number."""

    name: str
    kind: Kind
    default: Any
    least: int = 0
    most: int = 0
    may_be_empty: bool = False


def _rules() -> Iterable[Rule]:
    for operation in OPERATIONS:
        yield Rule(f"approvals.{operation.name}", Kind.FLOOR, operation.approvals, most=MOST_APPROVALS)
        yield Rule(f"above.{operation.name}", Kind.CEILING, None, most=MOST_ITEMS, may_be_empty=True)
        yield Rule(f"approvals_above.{operation.name}", Kind.FLOOR, 0, most=MOST_APPROVALS)
    for owner in OWNERS:
        for budget in BUDGETS:
            yield Rule(f"budget.{owner}.{budget}", Kind.CEILING, None, most=MOST_ITEMS, may_be_empty=True)
    yield Rule("open_days", Kind.CEILING, 7, least=1, most=30)
    yield Rule("send_hours", Kind.CEILING, None, least=1, most=30 * 24, may_be_empty=True)
    yield Rule("refused_warnings", Kind.CODES, [])
    yield Rule("reason_pattern", Kind.PATTERN, "")
    yield Rule("unknown_spaces_allowed", Kind.LEAVE, True)


RULES = {rule.name: rule for rule in _rules()}
DEFAULTS: Rules = {rule.name: rule.default for rule in RULES.values()}


def is_looser(name: str, before: Any, after: Any) -> bool:
    """Whether this rule, changed so, asks for less than before, or may do so."""
    match _kind(name):
        case Kind.FLOOR:
            return (after or 0) < (before or 0)
        case Kind.CEILING:
            return before is not None and (after is None or after > before)
        case Kind.CODES:
            return not set(before) <= set(after)
        case Kind.PATTERN:
            return before not in ("", after)
        case Kind.LEAVE:
            return bool(after and not before)


def changed(before: Rules, after: Rules) -> dict[str, tuple[Any, Any]]:
    """Every rule that differs, with both values; a space that isn't named has 0."""
    names = dict.fromkeys([*before, *after])
    pairs = {name: (before.get(name, _missing(name)), after.get(name, _missing(name))) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def with_changes(rules: Rules, changes: Rules) -> dict[str, Any]:
    """The rules after these changes; a space that asks for nothing isn't named any more."""
    merged = {**rules, **changes}
    return {name: value for name, value in merged.items() if value or not name.startswith(SPACE)}


def read(given: Mapping[str, Any]) -> dict[str, Any]:
    """The rules in the texts of a form, ``spaces`` among them as lines; raises ``Invalid`` with every problem."""
    problems: list[Problem] = []
    found = {name: _read(rule, given.get(name, ""), problems) for name, rule in RULES.items()}
    found |= _spaces(str(given.get("spaces", "")), problems)
    if problems:
        raise Invalid(problems)
    return found


def _read(rule: Rule, text: Any, problems: list[Problem]) -> Any:
    match rule.kind:
        case Kind.CODES:
            return [code for code in WARNINGS if code in text]
        case Kind.LEAVE:
            return bool(text)
        case Kind.PATTERN:
            pattern = str(text).strip()
            if wrong := wrong_with_pattern(pattern):
                problems.append(Problem(f"/{rule.name}", "bad_pattern", wrong))
            return pattern
    return _number(rule, str(text).strip(), problems)


def _number(rule: Rule, text: str, problems: list[Problem]) -> int | None:
    if not text and rule.may_be_empty:
        return None
    value = int(text) if re.fullmatch("[0-9]{1,9}", text) else -1
    if not rule.least <= value <= rule.most:
        detail = f"Give a whole number from {rule.least} to {rule.most}."
        if rule.may_be_empty:
            detail = f"Give a whole number from {rule.least} to {rule.most}, or leave it empty for no limit."
        problems.append(Problem(f"/{rule.name}", "wrong_number", detail))
    return value


def _spaces(text: str, problems: list[Problem]) -> dict[str, int]:
    """Lines such as ``IAADf… 2``: the space, and how many approvals it asks for."""
    found: dict[str, int] = {}
    lines = [(number, line.split()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    for number, words in lines:
        is_good = len(words) == 2 and words[1] in ("1", "2", "3") and _is_id(words[0])
        if not is_good or f"{SPACE}{words[0]}" in found:
            detail = f"Line {number}: give the id of a space, once, a blank, and how many approvals it asks for (1-3)."
            problems.append(Problem("/spaces", "wrong_line", detail))
        else:
            found[f"{SPACE}{words[0]}"] = int(words[1])
    if len(found) > MOST_SPACES:
        problems.append(Problem("/spaces", "too_many", f"Name at most {MOST_SPACES} spaces."))
    return found


def _is_id(text: str) -> bool:
    return len(text) <= LONGEST_ID and not FORBIDDEN.search(text)


def wrong_with_pattern(pattern: str) -> str:
    """Why this can't be the pattern of a reason, empty when it can.

    Only patterns that are quick on every text are taken: no repetition of a group, two parts of variable length and
    six alternatives at most.
    """
    plain = re.sub(r"\\.|\[\^?\]?[^\]]*\]", "x", pattern)  # an escape or a class is one character
    if len(pattern) > LONGEST_PATTERN or FORBIDDEN.search(pattern):
        return f"Use at most {LONGEST_PATTERN} characters, and no control characters."
    if re.search(r"\\[0-9]|\(\?|\)[*+?{]", pattern) or plain.count("|") > 6 or len(_VARIABLE.findall(plain)) > 2:
        return (
            "Use a simpler pattern: no repeated group, no back reference, at most two parts of variable length "
            "(*, +, ? or {2,5}) and six bars."
        )
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"This is no regular expression: {error}."
    return ""


_VARIABLE = re.compile(r"[*+?]\??|\{\d*,\d*\}\??")


def _kind(name: str) -> Kind:
    return Kind.FLOOR if name.startswith(SPACE) else RULES[name].kind


def _missing(name: str) -> Any:
    return 0 if name.startswith(SPACE) else RULES[name].default
