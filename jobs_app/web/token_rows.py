"""How a token is shown: its state by text and icon, its end in words, and what is odd about it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from ..health import in_words
from ..models import ApiToken, TokenState
from ..models.services import ENDS_SOON
from ..wording import translated

UNUSED_FOR = timedelta(days=30)
_ICONS = {
    TokenState.ACTIVE: ("✓", "text-success"),
    TokenState.ROTATED: ("↻", "text-info-emphasis"),
    TokenState.PAUSED: ("‖", "text-warning-emphasis"),
    TokenState.STOPPED: ("⊘", "text-danger"),
    TokenState.ENDED: ("⌛", "text-body-secondary"),
    TokenState.REVOKED: ("✕", "text-body-secondary"),
}


@dataclass(frozen=True)
class Row:
    """A token as it stands at a moment."""

    token: ApiToken
    now: datetime

    @property
    def state(self) -> TokenState:
        return self.token.state(self.now)

    @property
    def icon(self) -> str:
        return _ICONS[self.state][0]

    @property
    def colour(self) -> str:
        return _ICONS[self.state][1]

    @property
    def is_over(self) -> bool:
        return self.state in (TokenState.ENDED, TokenState.REVOKED)

    @property
    def end(self) -> str:
        """Such as "in 12 days"."""
        left = self.token.ends_at - self.now
        words = translated(in_words(abs(left)))
        return _("in %s") % words if left > timedelta() else _("%s ago") % words

    @property
    def ends_soon(self) -> bool:
        return not self.is_over and self.token.ends_at - self.now <= ENDS_SOON

    @property
    def unused(self) -> str:
        """Empty for one that is used, or too new to be odd."""
        token = self.token
        if self.is_over or self.now - (token.last_used_at or token.created_at) < UNUSED_FOR:
            return ""
        if token.last_used_at is None:
            return _("never used; revoke it if nobody needs it")
        return _("not used for %s; revoke it if nobody needs it") % translated(in_words(self.now - token.last_used_at))
