"""What an administrator does about the portal's sign-in to KooDrive: give it another token."""

import logging
from collections.abc import Sequence

from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

from . import connection, permissions, tasks, validators
from .actors import Actor
from .errors import Invalid, Problem, WrongState
from .koodrive.client import credentials_from_settings
from .models import Credential

log = logging.getLogger(__name__)

LONGEST_TOKEN = 4096
PROBE_LIFE = 60  # seconds; the sweep tries the connection too, so an old message is of no use


def replace(token: str, *, reason: str, by: Actor) -> None:
    """Puts the token to use and has it tried at once, which ends a pause when it works.

    Raises ``NotAllowed``, ``WrongState`` where requests are signed, or ``Invalid`` with what is wrong.
    """
    permissions.require(permissions.set_credentials(by), by=by, to="set credentials", confirmed=True)
    if settings.KOODRIVE_AUTH == "app":
        raise WrongState(
            "Signing is set by the environment (KOODRIVE_AUTH=app); change the application's secret there."
        )
    token = token.strip()
    if problems := [*_wrong_with(token), *_wrong_with_reason(reason)]:
        raise Invalid(problems)
    with transaction.atomic():
        connection.store(token, origin=Credential.Origin.PORTAL, by=by, reason=reason.strip())
        transaction.on_commit(_try_it, robust=True)


def _wrong_with(token: str) -> list[Problem]:
    if not token:
        return [Problem("/token", "required", "Paste the token.")]
    if len(token) > LONGEST_TOKEN:
        return [Problem("/token", "too_long", f"A token has at most {LONGEST_TOKEN} characters; copy it again.")]
    try:
        credentials_from_settings(token=token)
    except ValueError as error:
        return [Problem("/token", "forbidden_character", str(error))]
    return []


def _wrong_with_reason(reason: str) -> Sequence[Problem]:
    try:
        validators.reason(reason)
    except Invalid as error:
        return error.problems
    return []


def _try_it() -> None:
    try:
        tasks.keep_alive.apply_async(expires=PROBE_LIFE, retry=False)
    except (OperationalError, OSError):
        log.warning("The broker is away, so the new token is tried a little later.")
