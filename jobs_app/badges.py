"""What waits for a person: the numbers that stand beside the navigation of every page, counted in one statement."""

from typing import NamedTuple

from . import statements
from .actors import Actor, Role

# Beyond a hundred unread notices nobody tells numbers apart.
_COUNTED = """
    SELECT (
        SELECT count(*) FROM (
            SELECT FROM jobs_app_notice WHERE person_id = %s AND in_portal AND read_at IS NULL LIMIT 100
        ) AS unread
    ), (
        SELECT count(*) FROM jobs_app_submission WHERE %s AND status = 'unknown' AND due_at IS NULL
    ), (
        SELECT count(DISTINCT coalesce(waiting.batch_id, waiting.id))
        FROM jobs_app_submission AS waiting LEFT JOIN jobs_app_service AS service ON service.id = waiting.service_id
        WHERE %s AND waiting.status = 'awaiting_approval'
        AND waiting.accountable_id IS DISTINCT FROM %s AND service.owner_id IS DISTINCT FROM %s
    )
"""


class Badges(NamedTuple):
    """Unread notices; outcomes for which the portal has ceased to look by itself; decisions, a batch being one."""

    unread: int
    unknown: int
    decisions: int


def of(person: Actor) -> Badges:
    """Outcomes are told to operators, and decisions to approvers; of others they are 0."""
    operates, approves = Role.OPERATOR in person.roles, Role.APPROVER in person.roles
    [row] = statements.rows(_COUNTED, [person.key, operates, approves, person.key, person.key])
    return Badges(*row)
