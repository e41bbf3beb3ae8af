"""How the portal is: what readiness and the health page tell, and what each trouble means."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import redis
from django.conf import settings
from django.db import Error, connection
from django.db.models import Count, DurationField, Exists, ExpressionWrapper, F, OuterRef
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_noop as _
from redis.backoff import NoBackoff
from redis.retry import Retry

from . import foreign, meters, pauses, policies, pulse, staffing
from .audit import Action, anchors, read
from .models import ApiToken, Callback, Credential, ForeignTask, Notice, NoticeState, Service, Submission
from .models.services import ENDS_SOON
from .models.submissions import SubmissionQuerySet
from .states import FINAL, OPEN, State

LONGEST_WAIT = timedelta(seconds=60)  # of a submission that is free to go
LONGEST_SILENCE = timedelta(minutes=15)  # of KooDrive: three times in a row the connection was tried in vain
LONGEST_BETWEEN_CHECKS = timedelta(days=2)  # of what is due every night
CLOCKS_APART = timedelta(seconds=60)
BROKER_TIMEOUT = 1.0
_MAY_WRITE = "SELECT has_function_privilege('audit.record(text[])', 'EXECUTE')"


@dataclass(frozen=True)
class Sign:
    """Something that is watched, and how it stands; ``trouble`` is a sentence, empty when all is well.

    Where it ``blocks``, the portal isn't ready as long as the trouble lasts. ``page`` is the name of the page that
    tells more; who may not open that doesn't see the sign.
    """

    name: str
    value: str
    trouble: str = ""
    blocks: bool = True
    page: str = ""


def unready(*, only_web: bool = False) -> list[str]:
    """Why the portal isn't ready, empty when it is; ``only_web``: why a web server can't serve."""
    signs = [_trail()] if only_web else _signs(only_deciding=True)
    return [sign.trouble for sign in signs if sign.blocks and sign.trouble]


def look() -> list[Sign]:
    """Every sign; without a database only those that do without it."""
    return _signs(only_deciding=False)


def _signs(*, only_deciding: bool) -> list[Sign]:
    """All, or those alone that decide about readiness; without a database those that do without it."""
    trail = _trail()
    if trail.trouble:
        return [trail, _broker()]
    ages = pulse.ages()
    deciding = [
        trail,
        _broker(),
        _worker(ages.get("worker")),
        _beat(ages.get("beat")),
        _sealer(ages.get("sealer")),
        _proof(),
        _queue(ages),
    ]
    if only_deciding:
        return deciding
    policy = policies.current()
    return [
        *deciding,
        _anchors(),
        _koodrive(ages.get("koodrive")),
        _credentials(),
        _clocks(),
        _doubts(),
        _foreign(),
        _tokens(),
        _callbacks(),
        _mail(),
        _people(policy),
        _policy(policy),
    ]


def sending() -> list[Sign]:
    """What sends, how long the queue has waited, and KooDrive: of the signs, those that tell how sending goes."""
    ages = pulse.ages()
    return [_worker(ages.get("worker")), _queue(ages), _koodrive(ages.get("koodrive"))]


def is_proof_stale() -> bool:
    """Whether the nightly check of the trail was missed."""
    return bool(_missed(Action.TRAIL_VERIFIED))


def wait(ages: Mapping[str, timedelta]) -> timedelta | None:
    """How long the oldest submission has waited that is free to go, given the pulse's ages; None when there is none."""
    waits = _longest(_free_to_go(), "due_at")
    # What a pause held back may take its time once that is over.
    return min(waits, ages.get("resumed", waits)) if waits else None


def doubt() -> timedelta | None:
    """How long ago the oldest submission was sent whose outcome is unknown; None when there is none."""
    return _longest(Submission.objects.filter(status=State.UNKNOWN), "sent_at")


def counts() -> list[tuple[State, int]]:
    """How many submissions are in each state; of those that have ended, the ones of the last 24 hours."""
    day = timezone.now() - timedelta(days=1)
    lately = Submission.objects.filter(status__in=FINAL, updated_at__gte=day, finished_at__gte=day)
    open_ = Submission.objects.filter(status__in=OPEN)
    counted, ended = (each.order_by().values_list("status").annotate(Count("pk")) for each in (open_, lately))
    found = dict(counted.union(ended, all=True))
    return [(state, found.get(state, 0)) for state in State]


def in_words(age: timedelta) -> str:
    seconds = int(age.total_seconds())
    if seconds >= 2 * 86400:
        return _(f"{seconds // 86400} days")
    if seconds >= 2 * 3600:
        return _(f"{seconds // 3600} h")
    return _(f"{seconds // 60} min") if seconds >= 2 * 60 else _(f"{seconds} s")


def _trail() -> Sign:
    name = _("Database and audit trail")
    try:
        with connection.cursor() as cursor:
            cursor.execute(_MAY_WRITE)
            may_write = cursor.fetchone() == (True,)
    except Error:
        return Sign(name, _("no answer"), "The database can't be reached, or isn't migrated.")
    if may_write:
        return Sign(name, _("answers, can be written"))
    return Sign(
        name, _("can't be written"), "The audit trail can't be written: the application's role lacks the right."
    )


def _broker() -> Sign:
    patience = {"socket_timeout": BROKER_TIMEOUT, "socket_connect_timeout": BROKER_TIMEOUT}
    try:
        with redis.Redis.from_url(settings.REDIS_URL, retry=Retry(NoBackoff(), 0), **patience) as broker:
            broker.ping()
    except (redis.RedisError, OSError, ValueError):
        return Sign(
            _("Broker"),
            _("no answer"),
            "The broker doesn't answer: what is submitted is kept, but nothing is sent until it is back; start it "
            "again, or mend REDIS_URL.",
        )
    return Sign(_("Broker"), _("answers"))


def _worker(age: timedelta | None) -> Sign:
    return _alive(
        _("Worker"),
        age,
        every=settings.SWEEP_SECONDS,
        never="No worker has swept yet: start a worker and a beat.",
        last=lambda ago: _(f"swept {ago} ago"),
        silent=lambda ago, limit: (
            f"No worker has swept for {ago} (at most {limit} is well): no worker or no beat runs, or the worker is "
            "deaf to the broker; start both again."
        ),
    )


def _beat(age: timedelta | None) -> Sign:
    return _alive(
        _("Beat"),
        age,
        every=settings.SWEEP_SECONDS,
        never="No beat has rung yet, so nothing is followed: start a beat.",
        last=lambda ago: _(f"rang {ago} ago"),
        silent=lambda ago, limit: (
            f"No beat has rung for {ago} (at most {limit} is well), so nothing is followed and nothing lost is found "
            "again: start it again."
        ),
    )


def _sealer(age: timedelta | None) -> Sign:
    return _alive(
        _("Sealer"),
        age,
        every=settings.SEAL_SECONDS,
        never="No sealer has run yet, so nothing is proved: start `seal_audit`.",
        last=lambda ago: _(f"looked {ago} ago"),
        silent=lambda ago, limit: (
            f"The trail wasn't sealed for {ago} (at most {limit} is well), so what is newer isn't proved: start the "
            "sealer again, and read its log."
        ),
    )


def _alive(
    name: str,
    age: timedelta | None,
    *,
    every: float,
    never: str,
    last: Callable[[str], str],
    silent: Callable[[str, str], str],
) -> Sign:
    """Of a process that shows itself every so many seconds: it is silent when it missed three times, or half a minute.

    ``last`` and ``silent`` put ages in words: when it showed itself last, and what that means where it is too long ago.
    """
    if age is None:
        return Sign(name, _("never seen"), never)
    limit, ago = timedelta(seconds=max(3 * every, 30)), in_words(age)
    return Sign(name, last(ago), silent(ago, in_words(limit)) if age > limit else "")


def _proof() -> Sign:
    name, proof, missed = _("Proof of the trail"), read.last_proof(), _missed(Action.TRAIL_VERIFIED)
    if proof is None:
        return Sign(name, _("not checked yet; that happens every night"), missed, blocks=False)
    trouble = f"The trail isn't what was sealed: {proof.trouble} Tell your auditors; docs/verify.md says what to do."
    checked = _(f"checked {proof.at:%Y-%m-%d %H:%M} UTC, proved up to event {proof.upto}")
    return Sign(name, checked, trouble if proof.trouble else missed, blocks=bool(proof.trouble))


def _missed(action: Action) -> str:
    """A sentence when what is due every night went well too long ago."""
    age = read.age_of(action)
    if age <= LONGEST_BETWEEN_CHECKS:
        return ""
    return (
        f"It is due every night and has not gone well for {in_words(age)} (at most {in_words(LONGEST_BETWEEN_CHECKS)} "
        "is well): see that a beat and a worker run, and read the worker's log."
    )


def _anchors() -> Sign:
    troubles = anchors.troubles()
    told = " ".join(f"{destination}: {trouble}" for destination, trouble in sorted(troubles.items()))
    trouble = f"Heads of seals can't be published, so a cut end would not show there; mend it. {told}" if told else ""
    return Sign(_("Published heads of seals"), _("behind") if told else _("up to date"), trouble, blocks=False)


def _queue(ages: Mapping[str, timedelta]) -> Sign:
    name = _("Oldest submission that is free to go")
    if pauses.current():
        return Sign(name, _("none: all sending is paused"))
    waits = wait(ages)
    if waits is None:
        return Sign(name, _("none"))
    trouble = (
        f"A submission that is free to go has waited for {in_words(waits)} (at most {in_words(LONGEST_WAIT)} is well): "
        "the workers are too few, too slow or deaf to the broker; read their log and start them again."
    )
    return Sign(name, _(f"waits for {in_words(waits)}"), trouble if waits > LONGEST_WAIT else "")


def _koodrive(age: timedelta | None) -> Sign:
    if age is None:
        return Sign("KooDrive", _("has accepted no call yet"), blocks=False)
    trouble = (
        f"KooDrive has accepted no call of the portal for {in_words(age)}: nothing is lost; see the pause, the "
        "credentials and the workers."
    )
    silent = age > LONGEST_SILENCE
    return Sign("KooDrive", _(f"accepted a call {in_words(age)} ago"), trouble if silent else "", blocks=False)


def _credentials() -> Sign:
    name = _("Sign-in to KooDrive")
    if settings.KOODRIVE_AUTH == "app":
        return Sign(name, _("app signing"), blocks=False, page="credentials")
    last = Credential.objects.last()
    if last is None:
        trouble = "There is no token, so nothing can be sent; an administrator sets one."
        return Sign(name, _("no token"), trouble, False, "credentials")
    age = timezone.now() - last.set_at
    return Sign(name, _(f"token set {in_words(age)} ago"), blocks=False, page="credentials")


def _clocks() -> Sign:
    """Whose clock is how far ahead of this server's."""
    _now, database = pulse.clocks()
    try:
        koodrive = meters.noted(meters.CLOCK, "koodrive")
    except (redis.RedisError, OSError):
        koodrive = None
    ours = _tenths(database.total_seconds())
    if koodrive is None:
        value = _(f"database {ours:+} s; KooDrive's is not known yet")
    else:
        value = _(f"database {ours:+} s, KooDrive {_tenths(koodrive):+} s")
    is_off = max(abs(ours), abs(koodrive or 0.0)) > CLOCKS_APART.total_seconds()
    trouble = (
        f"A clock is off by more than {in_words(CLOCKS_APART)}: KooDrive may refuse what is signed, and evidence can't "
        "be told by its time; set up time synchronisation on all hosts."
    )
    return Sign(_("Clocks, compared with this server's"), value, trouble if is_off else "", blocks=False)


def _tenths(seconds: float) -> float:
    return round(seconds, 1) + 0.0  # what is nearly nothing has no sign


def _doubts() -> Sign:
    name = _("Oldest submission with an unknown outcome")
    age = doubt()
    if age is None:
        return Sign(name, _("none"), blocks=False)
    trouble = (
        "Nobody knows what KooDrive made of it, and it isn't sent again by itself; a person may have to settle it."
    )
    return Sign(name, _(f"sent {in_words(age)} ago"), trouble, blocks=False)


def _foreign() -> Sign:
    last, waiting = foreign.last(), ForeignTask.objects.unnoted().count()
    troubles = [_missed(Action.TASKS_COMPARED)]
    if waiting:
        troubles.append(f"Tasks in KooDrive that the portal did not send, and nobody has noted why: {waiting}.")
    if last is None:
        value = _("not compared yet; that happens every night")
    else:
        upto = _(f"compared up to {last.until:%Y-%m-%d %H:%M} UTC") if last.until else _("never compared in full")
        value = _(f"{upto}; failed {last.at:%Y-%m-%d %H:%M} UTC: {last.trouble}") if last.trouble else upto
    return Sign(_("Tasks that the portal did not send"), value, " ".join(filter(None, troubles)), False, "foreign")


def _tokens() -> Sign:
    """What stops a service, told before it does; a service that has stopped already is told of likewise."""
    now = timezone.now()
    ending = ApiToken.objects.ending(now).count()
    stopped, about_to = Service.objects.stopped(now).count(), Service.objects.about_to_stop(now).count()
    troubles = [
        f"Tokens that end within {ENDS_SOON.days} days: {ending}; rotate them, or let their services do it."
        if ending
        else "",
        f"Services that are stopped, because their owner has left: {stopped}; give them another owner."
        if stopped
        else "",
        f"Services whose owner has no role any more: {about_to}; give them another owner before they stop."
        if about_to
        else "",
    ]
    value = _(f"{ending} end soon") if ending else _("none ends soon")
    return Sign(_("Tokens of services"), value, " ".join(filter(None, troubles)), False, "tokens")


def _callbacks() -> Sign:
    callbacks = list(Callback.objects.select_related("service"))
    disabled = sorted(each.service.name for each in callbacks if each.state == Callback.State.DISABLED)
    failing = sorted(each.service.name for each in callbacks if each.is_failing)
    troubles = []
    if disabled:
        troubles.append(f"Disabled by its receiver, so it gets no notices: {', '.join(disabled)}.")
    if failing:
        troubles.append(f"Nothing arrives, and it is tried again and again: {', '.join(failing)}.")
    value = _(f"{len(callbacks)} set") if callbacks else _("none")
    return Sign(_("Callbacks of services"), value, " ".join(troubles), False, "callbacks")


def _mail() -> Sign:
    name = _("Notices by mail")
    if not settings.HAS_MAIL:
        return Sign(name, _("no mail is set up; people find their notices in the portal"), blocks=False)
    state = NoticeState.objects.first()
    waiting = Notice.objects.filter(mail=Notice.Mail.WAITING, due_at__lte=Now(), claim=None).count()
    if state is None or state.failing_since is None:
        return Sign(name, _(f"{waiting} due") if waiting else _("none waits"), blocks=False)
    trouble = (
        f"No mail has gone out since {state.failing_since:%Y-%m-%d %H:%M} UTC: {state.error} It is kept and tried "
        "again, and people find it in the portal; see PORTAL_MAIL_URL and the mail server."
    )
    return Sign(name, _("fails"), trouble, blocks=False)


def _people(policy: policies.InForce) -> Sign:
    # A demo has one administrator: that is told on the page of people alone.
    troubles = staffing.approving(policy) if settings.IS_DEMO else staffing.troubles(policy)
    return Sign(_("People"), _("somebody is missing") if troubles else _("enough"), " ".join(troubles), False, "people")


def _policy(policy: policies.InForce) -> Sign:
    if not policy.in_set_up:
        return Sign(_("Policy"), _("in force"), blocks=False, page="policy")
    trouble = (
        "The set-up phase is open, so one administrator alone may loosen the policy; end it on its page as soon as the "
        "rules are right."
    )
    return Sign(_("Policy"), _("being set up"), trouble, False, "policy")


def _free_to_go() -> SubmissionQuerySet:
    """What is due to be sent, isn't held back, and doesn't wait for an identical one under way or in doubt."""
    twins = Submission.objects.filter(
        status__in=[State.SENDING, State.UNKNOWN], request_sha256=OuterRef("request_sha256")
    )
    return Submission.objects.due(State.QUEUED).exclude(Exists(twins)).exclude(pauses.is_held())


def _longest(rows: SubmissionQuerySet, since: str) -> timedelta | None:
    """How long the oldest of the rows has waited, by the database's clock."""
    age = ExpressionWrapper(Now() - F(since), output_field=DurationField())
    return rows.order_by(since).annotate(age=age).values_list("age", flat=True).first()
