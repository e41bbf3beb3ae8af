"""What the organisation's identity provider says of people: who they are here, and which roles their groups give."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.db import transaction

from . import audit
from .actors import Actor, Role
from .audit import Action
from .errors import NotAllowed
from .models import RoleGrant, User


@dataclass(frozen=True)
class Claims:
    """What the provider vouched for: the subject, the name to use here, the groups, and how it made sure.

    ``proved_at`` is when the person proved there who they are, in seconds since 1970; 0 when it doesn't say.
    """

    subject: str
    name: str
    groups: frozenset[str]
    has_second_factor: bool
    proved_at: float

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Claims":
        """From what the provider sent: its signed word (``id_token``) holds where it differs from its ``userinfo``.

        Raises ``NotAllowed`` when that is of another issuer or about somebody else.
        """
        word, info = given.get("id_token") or {}, given.get("userinfo") or {}
        fits = info.get("sub", word.get("sub")) == word.get("sub")
        if str(word.get("iss", "")).rstrip("/") != settings.OIDC_ISSUER or not fits:
            raise NotAllowed("The answer of your organisation's sign-in doesn't fit together; tell the administrators.")
        found = {**info, **word}
        return cls(
            subject=str(word["sub"]),
            name=str(found.get("preferred_username") or found.get("email") or word["sub"]),
            groups=frozenset(_texts(found.get(settings.OIDC_GROUPS_CLAIM))),
            has_second_factor="mfa" in _texts(word.get("amr")),  # RFC 8176
            proved_at=float(at) if isinstance(at := word.get("auth_time"), int | float) else 0.0,
        )

    @property
    def roles(self) -> frozenset[Role]:
        return frozenset(Role(role) for role, group in settings.OIDC_ROLES if group in self.groups)


def _texts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [each for each in value or [] if isinstance(each, str)]


def link(person: User, claims: Claims, *, by: Actor) -> SocialAccount:
    """From now on the provider's word is enough to sign in as this person. Raises ``NotAllowed`` if it is another's."""
    with transaction.atomic():
        row, is_new = SocialAccount.objects.get_or_create(
            provider=settings.OIDC_PROVIDER, uid=claims.subject, defaults={"user": person}
        )
        if row.user_id != person.pk:
            raise NotAllowed("This account of your organisation belongs to somebody else here; ask an administrator.")
        if is_new:
            audit.record(Action.SSO_LINKED, by=by, person=person.ref, issuer=settings.OIDC_ISSUER)
    return row


def unlink(person: User, *, by: Actor) -> None:
    """The provider's word isn't enough any more. Raises ``NotAllowed`` for somebody who has no password."""
    if not person.has_usable_password():
        raise NotAllowed("You have no password, so you couldn't sign in any more; ask an administrator for one first.")
    with transaction.atomic():
        if SocialAccount.objects.filter(user=person).delete()[0]:
            audit.record(Action.SSO_UNLINKED, by=by, person=person.ref)


def keep_roles(person: User, roles: Collection[Role], *, by: Actor) -> None:
    """Gives the roles of the person's groups, and takes those away that groups gave before; others stay as they are."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=person.pk)
        had = set(person.role_grants.values_list("role", flat=True))
        over = person.role_grants.filter(source=RoleGrant.Source.SSO).exclude(role__in=roles)
        given, taken = sorted(set(roles) - had), sorted(over.values_list("role", flat=True))
        new = [RoleGrant(person=person, role=role, source=RoleGrant.Source.SSO) for role in given]
        RoleGrant.objects.bulk_create(new)
        over.delete()
        for action, changed in ((Action.ROLE_GIVEN, given), (Action.ROLE_TAKEN, taken)):
            if changed:
                audit.record(action, by=by, person=person.ref, roles=changed, source=RoleGrant.Source.SSO)
