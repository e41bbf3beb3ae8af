"""The catalogue: the one table of what people can be told of, whom, and where they hear of it unless they choose."""

from dataclasses import dataclass

from django.utils.translation import gettext_noop as _

from ..models import NoticeChoice


@dataclass(frozen=True)
class Kind:
    """``is_security``: it can't be switched off in the portal. ``audience`` says who gets it, for people."""

    name: str
    label: str
    audience: str
    is_security: bool = False
    by_mail: bool = True

    def place(self, choice: NoticeChoice | None) -> tuple[bool, bool]:
        """Whether somebody who chose this, or nothing, hears of it in the portal, and whether by mail."""
        if choice is None:
            return True, self.by_mail
        return self.is_security or choice.in_portal, choice.by_mail


_SUBMITTER = _("who submitted it; of a service, its owner")
_OVERSEERS = _("administrators and auditors")
_SENDERS = _("administrators, operators, and who has something waiting to be sent")
_SELF = _("the person themself")

KINDS = (
    Kind("approval_wanted", _("An approval is wanted"), _("approvers who may decide about it")),
    Kind("decided", _("What you submitted was approved or rejected"), _SUBMITTER),
    Kind("expired", _("What you submitted has expired"), _SUBMITTER),
    Kind("returned", _("What you submitted can't be sent as it is"), _SUBMITTER),
    Kind("failed", _("What you submitted failed or was refused"), _SUBMITTER),
    Kind("partially_failed", _("What you submitted finished with failures"), _SUBMITTER),
    Kind("unknown", _("The outcome of what you submitted is unknown"), _SUBMITTER),
    Kind("still_unknown", _("Outcomes are still unknown, once a day"), _("who submitted it, and operators")),
    Kind("paused", _("Somebody paused sending"), _SENDERS),
    Kind("credentials_refused", _("KooDrive refuses the credentials, so sending is paused"), _SENDERS),
    Kind("breaker_open", _("KooDrive can't be reached, so sending is paused"), _SENDERS),
    Kind("resumed", _("Sending goes on"), _SENDERS),
    Kind("seal_overdue", _("The audit trail isn't sealed"), _OVERSEERS, is_security=True),
    Kind("trail_broken", _("The audit trail is broken"), _OVERSEERS, is_security=True),
    Kind("rights_changed", _("Rights or rules change"), _OVERSEERS, is_security=True),
    Kind("last_day", _("Somebody's last day comes or is over"), _OVERSEERS, is_security=True),
    Kind("foreign_tasks", _("Tasks that the portal did not send"), _("administrators"), is_security=True),
    Kind("roles_changed", _("Your roles have changed"), _SELF, is_security=True),
    Kind("sign_in_changed", _("Your sign-in has changed"), _SELF, is_security=True),
    Kind("token_ending", _("A token of your service ends soon"), _("the owner and the contact of the service")),
    Kind(
        "callback_disabled", _("A receiver wants no notices of changes"), _("the owner of the service, administrators")
    ),
    Kind("export_ready", _("Your export is ready"), _("who asked for it")),
)
BY_NAME = {kind.name: kind for kind in KINDS}
