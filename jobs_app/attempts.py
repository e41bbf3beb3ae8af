"""How often signing in may fail: the more it failed, the longer the wait. Never for ever, and never for a known device.

Failures are counted for an account from each device or address, for an account from all strangers together, and for
an address on all accounts. A device is known to an account that somebody signed in to with it: what strangers do
doesn't keep its owner out. Counted in Redis, and in this process alone while Redis is away.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from . import quotas
from .models import User
from .quotas import Rate

OWN = (Rate(5, 60), Rate(10, 900), Rate(20, 3600))
STRANGERS = (Rate(20, 60), Rate(50, 900), Rate(100, 3600))
ADDRESS = (Rate(50, 60), Rate(200, 3600))


@dataclass(frozen=True)
class Attempt:
    """One try to prove who one is: the account, if there is one of this name, from where, with which known device."""

    name: str
    person: User | None
    ip: str | None
    device: str | None = None

    @property
    def is_known(self) -> bool:
        return self.device is not None

    def wait(self) -> int:
        """For how many seconds it is refused without a look at the password; 0 when it may go on."""
        return max((quotas.shared().wait(key, rate) for key, rate in self._counts()), default=0)

    def is_flood(self) -> bool:
        """Whether it is refused because of what others did, so that its own address tells nothing."""
        return not self.is_known and any(quotas.shared().wait(self._account, rate) for rate in STRANGERS)

    def failed(self) -> None:
        """Counts it."""
        for key, rate in self._counts():
            quotas.shared().add(key, rate)

    @property
    def _account(self) -> str:
        name = self.person.ref if self.person else hashlib.sha256(self.name.encode()).hexdigest()
        return f"sign-in {name}"

    def _counts(self) -> Iterable[tuple[str, Rate]]:
        yield from ((f"{self._account} {self.device or self.ip}", rate) for rate in OWN)
        if not self.is_known:
            yield from ((self._account, rate) for rate in STRANGERS)
            yield from ((f"sign-in from {self.ip}", rate) for rate in ADDRESS)
