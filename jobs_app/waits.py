"""How long to wait before something that failed is tried again."""

import random
from collections.abc import Sequence


def jittered(seconds: float) -> float:
    """Between one second and so many, by chance: what failed together isn't tried again together."""
    return random.uniform(1.0, max(1.0, seconds))


def step(steps: Sequence[float], attempts: int) -> float:
    """Jittered seconds after so many attempts, the first of which counts as 1; the last step goes on for ever."""
    return jittered(steps[min(attempts, len(steps)) - 1])


def doubled(attempts: int, *, longest: float, first: float = 1.0) -> float:
    """Jittered seconds: up to ``first``, twice that after each attempt, and never more than ``longest``."""
    return jittered(min(first * 2.0 ** min(attempts, 16), longest))
