"""What waits for a person: the numbers that stand beside the navigation of every page, counted in one statement."""

from typing import NamedTuple

from . import permissions, statements
from .actors import Actor, Role

# Beyond a hundred unread notices nobody tells numbers apart.
_COUNTED = permissions.PARTIES.format(
    table="jobs_app_submission",
    among="status = 'awaiting_approval'",
    wanted="""
    SELECT (
        SELECT count(*) FROM (
            SELECT FROM jobs_app_notice WHERE person_id = %s AND in_portal AND read_at IS NULL LIMIT 100
        ) AS unread
    ), (
        SELECT count(*) FROM jobs_app_submission WHERE %s AND status = 'unknown' AND due_at IS NULL
    ), (
        SELECT count(DISTINCT coalesce(batch_id, id)) FROM jobs_app_submission
        WHERE %s AND status = 'awaiting_approval' AND NOT EXISTS (SELECT FROM party WHERE newest = id AND person = %s)
    )""",
)


class Badges(NamedTuple):
    """Unread notices; outcomes for which the portal has ceased to look by itself; decisions, a batch being one."""

    unread: int
    unknown: int
    decisions: int


def of(person: Actor) -> Badges:
    """Outcomes are told to operators, and decisions to approvers; of others they are 0."""
    operates, approves = Role.OPERATOR in person.roles, Role.APPROVER in person.roles
    [row] = statements.rows(_COUNTED, [person.key, operates, approves, person.key])
    return Badges(*row)
