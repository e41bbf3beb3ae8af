"""What administrators do about one another's proposals: whichever kind it is, the right verb carries it out."""

from collections.abc import Callable

from . import accounts, directory, policymaking, proposals, roles
from .actors import Actor
from .models import Proposal

# Each makes the change of a confirmed proposal, in the transaction that confirms it, with its own event; it raises
# ``WrongState`` when what the proposal was to change isn't any more what it was.
CARRIED_OUT: dict[str, Callable[[Proposal, Actor], None]] = {
    Proposal.Kind.POLICY: policymaking.carry_out,
    Proposal.Kind.ROLE: roles.carry_out,
    Proposal.Kind.SIGN_IN: accounts.carry_out,
    Proposal.Kind.SPACE: directory.carry_out,
}


def settle(pk: int, decision: Proposal.State, *, comment: str, by: Actor) -> Proposal:
    """Confirms, refuses or withdraws an open proposal; raises what ``proposals.settle`` raises."""
    return proposals.settle(pk, decision, comment=comment, by=by, carry_out=_carry_out)


def _carry_out(proposal: Proposal, by: Actor) -> None:
    CARRIED_OUT[proposal.kind](proposal, by)
