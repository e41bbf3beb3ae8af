"""From the first administrator to the first harmless task: each step, and whether it is done."""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext_noop as _

from . import connection, policies, staffing
from .actors import Role
from .audit import anchors
from .models import Space, Submission, User
from .states import State


@dataclass(frozen=True)
class Step:
    """``page`` is where it is done, with ``query`` behind its address; empty where the environment sets it.

    ``is_done`` is asked with the credentials in use.
    """

    name: str
    why: str
    is_done: Callable[[connection.InUse], bool]
    page: str = ""
    query: str = ""
    do: str = ""


def steps() -> list[tuple[Step, bool]]:
    """In the order in which they are best done, each with whether it is."""
    in_use = connection.in_use()
    return [(step, step.is_done(in_use)) for step in _STEPS]


def _are_anchored() -> bool:
    elsewhere = [each for each in settings.AUDIT_ANCHORS if each != settings.OWN_ANCHOR]
    return bool(elsewhere) and not anchors.troubles()


_STEPS = (
    Step(
        _("A first administrator"),
        _("Somebody who sets up everything else. The command create_user made this person."),
        lambda _in_use: True,
        page="people",
    ),
    Step(
        _("A second administrator"),
        _("What weighs most takes two: one proposes it, another one confirms."),
        lambda _in_use: not staffing.confirming(),
        page="new-person",
        do=_("Add a person"),
    ),
    Step(
        _("Enough approvers"),
        _("A deletion for good waits for another person, who approves exactly that request."),
        lambda _in_use: not staffing.approving(),
        page="new-person",
        do=_("Add a person"),
    ),
    Step(
        _("An operator"),
        _("Somebody who composes tasks. An administrator alone can't."),
        lambda _in_use: User.objects.present().having(Role.OPERATOR).exists(),
        page="people",
        do=_("Give somebody the role"),
    ),
    Step(
        _("Mail"),
        _("Tells people what waits for them. Set PORTAL_MAIL_URL, then start web and worker again."),
        lambda _in_use: settings.HAS_MAIL,
    ),
    Step(
        _("A place for the heads of seals"),
        _("Outside of this machine, so that a cut end of the trail shows. Set PORTAL_AUDIT_ANCHORS."),
        lambda _in_use: _are_anchored(),
        page="health",
        do=_("See how publishing goes"),
    ),
    Step(
        _("Credentials for KooDrive"),
        _("A token of KooDrive, or better the signing of an application: it ends with no session."),
        lambda in_use: in_use.is_signing or bool(in_use.fingerprint),
        page="credentials",
        do=_("Set a token"),
    ),
    Step(
        _("The connection works"),
        _(
            "A worker asks KooDrive for its list of tasks every 5 minutes, and changes nothing there. To ask at once, "
            "and to learn more, run manage.py doctor --koodrive on the server."
        ),
        lambda in_use: in_use.accepted_at is not None,
        page="health",
        do=_("See the state of KooDrive"),
    ),
    Step(
        _("Names of spaces"),
        _("KooDrive knows a space by 47 characters; people know it by a name."),
        lambda _in_use: Space.objects.exists(),
        page="new-space",
        do=_("Add a space"),
    ),
    Step(
        _("The policy is in force"),
        _("In the set-up phase one administrator alone may loosen it. End the phase when the rules are right."),
        lambda _in_use: not policies.current().in_set_up,
        page="policy",
        do=_("Look at the policy"),
    ),
    Step(
        _("A first harmless task"),
        _("To list an archive changes nothing. An operator composes it, and its page shows what happens."),
        lambda _in_use: Submission.objects.filter(status=State.SUCCEEDED).exists(),
        page="compose",
        query="?operation=preview_archive",
        do=_("Compose it"),
    ),
)
