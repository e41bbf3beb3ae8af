"""Having the whole trail checked at once, for auditors who don't want to wait for the night."""

from . import permissions, tasks
from .actors import Actor
from .errors import WrongState


def have_verified(*, by: Actor) -> None:
    """Has a worker check it; raises ``NotAllowed``, or ``WrongState`` when no worker can be reached."""
    permissions.require(permissions.read_trail(by), by=by, to="verify the trail")
    if not tasks.nudge_verification(by.key):
        raise WrongState("The workers can't be reached just now; try again shortly, or run manage.py verify_audit.")
