"""Who hears of what: people by their roles, and those who have something to do with a submission or a service."""

from functools import cached_property

from django.db.models import Q

from ..actors import GUARDED_ROLES, Role
from ..models import Service, Submission, User
from ..proposals import OVERSEERS
from ..states import State


class Audience:
    """Everybody who is here, looked up when first asked for; for one reading of the trail."""

    @cached_property
    def _present(self) -> list[User]:
        return list(User.objects.present().prefetch_related("role_grants"))

    def having(self, *roles: Role) -> list[int]:
        return [each.pk for each in self._present if not each.granted_roles().isdisjoint(roles)]

    @cached_property
    def administrators(self) -> list[int]:
        return self.having(Role.ADMINISTRATOR)

    @cached_property
    def overseers(self) -> list[int]:
        return self.having(*OVERSEERS)

    @cached_property
    def approvers(self) -> list[int]:
        return self.having(Role.APPROVER)

    @cached_property
    def senders(self) -> list[int]:
        """Whom it concerns that nothing is sent."""
        waiting = Submission.objects.filter(status=State.QUEUED).order_by()
        people = waiting.filter(person__isnull=False).values("person").distinct()
        services = Service.objects.filter(pk__in=waiting.filter(service__isnull=False).values("service").distinct())
        waits = set(
            User.objects.filter(Q(pk__in=people) | Q(pk__in=services.values("owner"))).values_list("pk", flat=True)
        )
        return [*dict.fromkeys([*self.having(Role.ADMINISTRATOR, Role.OPERATOR), *sorted(waits)])]

    @cached_property
    def _guarded(self) -> frozenset[int]:
        return frozenset(User.objects.having(*GUARDED_ROLES).values_list("pk", flat=True))

    def is_guarded(self, person: int) -> bool:
        """Whether what is done about them takes two administrators, or concerns those who watch over that."""
        return person in self._guarded


def submitter(submission: Submission) -> int | None:
    """Who answers for it now: the person, or the service's owner."""
    return submission.service.owner_id if submission.service else submission.person_id
