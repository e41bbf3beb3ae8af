"""What a notice says, in the language and zone that are active: a title, a text, and the page that tells more.

Nothing here is markup, and no secret can be among the words: they are made of what the trail says of an event. People
are named as they are called now, so a name that was erased stands in no notice.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy, ngettext, ngettext_lazy
from django.utils.translation import gettext_noop as _

from .. import moments
from ..audit import Action
from ..audit.actions import meaning
from ..documents import FORBIDDEN
from ..models import Notice, User
from ..operations import BY_NAME as OPERATIONS
from ..wording import translated

_NAMED = ("by", "who", "name")  # what may be a reference to a person
_ENDS = ".!?…。！？"
# Title and text, made of what a notice is about and how often it happened.
Texts = Callable[[Mapping[str, Any], int], tuple[str, str]]


@dataclass(frozen=True)
class Words:
    """``path`` is that of a page of the portal."""

    title: str
    text: str
    path: str


def of(*notices: Notice) -> list[Words]:
    """Of each. No part has a line break or another control character, whatever people called things."""
    names = _names(notices)
    return [_of(notice, names) for notice in notices]


def _of(notice: Notice, names: Mapping[str, str]) -> Words:
    said = {key: names.get(notice.about[key], notice.about[key]) for key in _NAMED if notice.about.get(key)}
    title, text = _TEXTS[notice.kind]({**notice.about, **said}, notice.count)
    return Words(_plain(title), _plain(text), _path(notice))


def _names(notices: Sequence[Notice]) -> dict[str, str]:
    """What the people are called to whom the notices refer, such as ``person:7``."""
    refs = {str(each.about.get(key, "")).partition(":") for each in notices for key in _NAMED}
    numbers = [int(number) for kind, _, number in refs if kind == "person" and number.isdecimal()]
    found = User.objects.filter(pk__in=numbers).values_list("pk", "username") if numbers else ()
    return {f"person:{pk}": name for pk, name in found}


def _plain(text: str) -> str:
    return " ".join(FORBIDDEN.sub(" ", text).split())


def _said(*sentences: str) -> str:
    return " ".join(each if each[-1] in _ENDS else gettext("%s.") % each for each in sentences if each)


# --- Submissions ---------------------------------------------------------------------------------------------------
def _submission(about: Mapping[str, Any]) -> str:
    """Which one: operation, size, who and why."""
    items = ngettext("%(n)s item", "%(n)s items", about["files"]) % {"n": about["files"]}
    known = OPERATIONS.get(about["operation"])
    label = gettext(known.label) if known else about["operation"]
    return gettext("%(operation)s, %(items)s, submitted by %(who)s: %(reason)s") % {
        "operation": label,
        "items": items,
        "who": about["who"],
        "reason": about["reason"],
    }


def _many(about: Mapping[str, Any]) -> str:
    """Which ones: those of a batch, or of a service."""
    where = gettext("In a batch of %(who)s.") if about.get("batch") else gettext("Submitted by %(who)s.")
    return where % {"who": about["who"]}


def _about_submissions(title: Any, more: Callable[[Mapping[str, Any]], str] = lambda _: "") -> Texts:
    """``title`` is a lazy text that may say how many (``n``)."""

    def texts(about: Mapping[str, Any], count: int) -> tuple[str, str]:
        which = _submission(about) if count == 1 else _many(about)
        return title % {"n": count}, _said(which, more(about) if count == 1 else "")

    return texts


def _by(about: Mapping[str, Any]) -> str:
    said = gettext("By %(who)s.") % {"who": about["by"]} if about.get("by") else ""
    return _said(said, about.get("comment", ""))


def _decided(about: Mapping[str, Any], count: int) -> tuple[str, str]:
    if about["what"] == "approved":
        approved = ngettext_lazy("A submission was approved", "%(n)s submissions were approved", "n")
        return _about_submissions(approved, _by)(about, count)
    rejected = ngettext_lazy("A submission was rejected", "%(n)s submissions were rejected", "n")
    return _about_submissions(rejected, _by)(about, count)


def _returned(about: Mapping[str, Any], count: int) -> tuple[str, str]:
    if about["what"] == "returned":
        again = ngettext_lazy("A submission waits for approval again", "%(n)s submissions wait for approval again", "n")
        return _about_submissions(again, lambda _: gettext("Its approvals didn't hold any more."))(about, count)
    withheld = ngettext_lazy("A submission can't be sent as it is", "%(n)s submissions can't be sent as they are", "n")
    return _about_submissions(withheld, lambda _: gettext("A person has to mend it."))(about, count)


def _failed(about: Mapping[str, Any], count: int) -> tuple[str, str]:
    if about["status"] == "refused" and count == 1:
        return _about_submissions(gettext_lazy("KooDrive refused a submission"))(about, count)
    failed = ngettext_lazy("A submission failed", "%(n)s submissions failed", "n")
    return _about_submissions(failed)(about, count)


def _partially(about: Mapping[str, Any]) -> str:
    failed = about["failed"]
    return ngettext("%(n)s item failed.", "%(n)s items failed.", failed) % {"n": failed}


def _still_unknown(about: Mapping[str, Any], count: int) -> tuple[str, str]:
    n = about["n"]
    title = ngettext("%(n)s outcome is still unknown", "%(n)s outcomes are still unknown", n) % {"n": n}
    return title, gettext("KooDrive gave no certain answer for more than a day; a person has to settle it.")


# --- Sending -------------------------------------------------------------------------------------------------------
def _scope(about: Mapping[str, Any]) -> str:
    """What is paused, or goes on, where that isn't everything."""
    operation = OPERATIONS.get(about.get("operation") or "")
    return _said(
        gettext("Only: %(what)s.") % {"what": gettext(operation.label)} if operation else "",
        gettext("Only in the space %(space)s.") % {"space": about["space"]} if about.get("space") else "",
    )


def _sending(title: str, text: str = "") -> Texts:
    def texts(about: Mapping[str, Any], count: int) -> tuple[str, str]:
        by = gettext("By %(who)s.") % {"who": about["by"]} if about["by"] else ""
        return gettext(title), _said(by, _detail(about), _scope(about), gettext(text) if text else "")

    return texts


# --- Rights, people, services, the trail ---------------------------------------------------------------------------
def _rights(about: Mapping[str, Any], count: int) -> tuple[str, str]:
    title = gettext("A change of rights or rules (%(action)s): %(what)s") % {
        "action": about["action"],
        "what": _what(about["what"]),
    }
    on_server = gettext("Done by a command on the server, where no second administrator is asked.")
    text = gettext("By: %(who)s.") % {"who": about["by"]}
    reason = gettext("Reason: %(reason)s") % {"reason": about["reason"]} if about["reason"] else ""
    return title, _said(_meaning(about), text, reason, on_server if about.get("command") else "")


def _what(text: str) -> str:
    """What rights or rules were changed of: kinds or roles, which are the portal's words, and whose in brackets."""
    kinds, bracket, whose = text.partition(" (")
    return ", ".join(map(translated, kinds.split(", "))) + bracket + whose


def _meaning(about: Mapping[str, Any]) -> str:
    return gettext(meaning(about["action"]))


def _roles(about: Mapping[str, Any], count: int) -> tuple[str, str]:
    given = about["action"] == Action.ROLE_GIVEN
    title = gettext("You were given a role") if given else gettext("A role was taken from you")
    return title, gettext("%(roles)s. By %(who)s.") % {
        "roles": ", ".join(map(translated, about["roles"])),
        "who": about["by"],
    }


def _sign_in(about: Mapping[str, Any], count: int) -> tuple[str, str]:
    if about.get("address"):
        return gettext("Your mail address was changed"), gettext(
            "An administrator has set another mail address for you. If you don't know why, tell the auditors."
        )
    text = gettext("By %(who)s. If you don't know why, tell the administrators and auditors.") % {"who": about["by"]}
    factor = f"({translated(about['factor'])})" if about.get("factor") else ""
    return gettext("Your sign-in has changed"), _said(_meaning(about), factor, text)


def _last_day(about: Mapping[str, Any], count: int) -> tuple[str, str]:
    who = {"who": about["name"], "day": about["day"]}
    if about.get("is_over"):
        title = gettext("The last day of %(who)s is over") % who
        return title, gettext("It was %(day)s (UTC): they can't sign in, and their roles count for nothing.") % who
    services = ", ".join(about.get("services", []))
    owned = gettext("Their services, which stop then unless somebody else gets to own them: %(services)s.")
    return gettext("The last day of %(who)s comes soon: %(day)s") % who, _said(
        gettext("From the day after (UTC) they can't sign in, and their roles count for nothing."),
        owned % {"services": services} if services else "",
    )


def _token(about: Mapping[str, Any], count: int) -> tuple[str, str]:
    values = {"token": about["token"], "service": about["service"], "at": _at(about["ends"])}
    return gettext("A token of %(service)s ends soon") % values, gettext(
        "Token %(token)s of the service %(service)s ends %(at)s; calls with it get 401 from then on. The service can "
        "put another one in its place by itself (POST /api/v1/me/rotate-token/), or an administrator does."
    ) % values


def _detail(about: Mapping[str, Any]) -> str:
    return moments.in_zone(translated(about["detail"]))


def _at(text: str) -> str:
    return moments.shown(datetime.fromisoformat(text))


def _foreign(about: Mapping[str, Any], count: int) -> tuple[str, str]:
    new, ids = about["new"], ", ".join(about["tasks"])
    title = ngettext("%(n)s task that the portal did not send", "%(n)s tasks that the portal did not send", new)
    text = gettext("Somebody works past the portal, or another system does. See who it was, and note it: %(ids)s")
    return title % {"n": new}, text % {"ids": ids}


def _sealed(about: Mapping[str, Any], count: int) -> tuple[str, str]:
    text = gettext("It was last sealed %(at)s, so what is newer isn't proved: start the sealer again, read its log.")
    return gettext("The audit trail isn't sealed"), text % {"at": _at(about["since"])}


def _broken(about: Mapping[str, Any], count: int) -> tuple[str, str]:
    return gettext("The audit trail is broken"), _said(
        _detail(about), gettext("Tell your auditors; docs/verify.md says what to do.")
    )


def _disabled(about: Mapping[str, Any], count: int) -> tuple[str, str]:
    values = {"service": about["service"]}
    return gettext("The receiver of %(service)s wants no notices") % values, gettext(
        "It answered 410, so it gets none until somebody sets or resumes it; what happens meanwhile is kept."
    )


def _export(about: Mapping[str, Any], count: int) -> tuple[str, str]:
    return gettext("Your export of the audit trail is ready"), gettext("It can be loaded for seven days.")


_TEXTS: dict[str, Texts] = {
    "approval_wanted": _about_submissions(
        ngettext_lazy("A submission waits for approval", "%(n)s submissions wait for approval", "n")
    ),
    "decided": _decided,
    "expired": _about_submissions(ngettext_lazy("A submission has expired", "%(n)s submissions have expired", "n")),
    "returned": _returned,
    "failed": _failed,
    "partially_failed": _about_submissions(
        ngettext_lazy("A submission finished with failures", "%(n)s submissions finished with failures", "n"),
        _partially,
    ),
    "unknown": _about_submissions(
        ngettext_lazy("The outcome of a submission is unknown", "The outcomes of %(n)s submissions are unknown", "n"),
        lambda _: gettext(
            "It was or may have been sent. The portal looks for it in KooDrive, and never sends it again."
        ),
    ),
    "still_unknown": _still_unknown,
    "paused": _sending(_("Sending is paused"), _("An administrator ends it, on the health page.")),
    "credentials_refused": _sending(
        _("KooDrive refuses the credentials; sending is paused"), _("An administrator may have to set another token.")
    ),
    "breaker_open": _sending(
        _("KooDrive can't be reached; sending is paused"), _("It goes on by itself once KooDrive answers again.")
    ),
    "resumed": _sending(_("Sending goes on")),
    "seal_overdue": _sealed,
    "trail_broken": _broken,
    "rights_changed": _rights,
    "last_day": _last_day,
    "foreign_tasks": _foreign,
    "roles_changed": _roles,
    "sign_in_changed": _sign_in,
    "token_ending": _token,
    "callback_disabled": _disabled,
    "export_ready": _export,
}

_PAGES = {
    "still_unknown": "unknowns",
    "paused": "health",
    "credentials_refused": "health",
    "breaker_open": "health",
    "resumed": "health",
    "seal_overdue": "health",
    "trail_broken": "audit",
    "foreign_tasks": "foreign",
    "roles_changed": "mfa_index",
    "sign_in_changed": "mfa_index",
    "token_ending": "tokens",
    "export_ready": "exports",
}


def _path(notice: Notice) -> str:
    about = notice.about
    if notice.kind in _PAGES:
        return reverse(_PAGES[notice.kind])
    if notice.kind == "last_day":
        return reverse("person", args=[about["person"]])
    if notice.kind == "callback_disabled":
        return reverse("callback", args=[about["pk"]]) if "pk" in about else reverse("home")
    if notice.kind == "rights_changed":
        return _place(about["what"])
    if notice.count == 1:
        return reverse("submission", args=[about["submission"]])
    if about.get("batch"):
        return reverse("batch", args=[about["batch"]])
    if notice.kind == "approval_wanted":
        return reverse("approvals")
    return f"{reverse('submissions')}?createdBy={about['creator']}"


def _place(what: str) -> str:
    """The page of what rights or rules were changed of."""
    name, _, number = what.partition("person:")
    if number.rstrip(")").isdecimal():
        return reverse("person", args=[int(number.rstrip(")"))])
    if "space:" in what:
        return reverse("spaces")
    return reverse("policy") if "policy" in what else reverse("people")
