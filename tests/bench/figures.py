"""What a measurement gives, and the table that is printed of it."""

import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

FULL = os.environ.get("SCALE") == "full"


@dataclass(frozen=True)
class Figure:
    """``value`` must not be below ``least`` nor above ``most``; ``told`` is what it was worked out from."""

    name: str
    value: float
    told: str
    least: float | None = None
    most: float | None = None

    @property
    def holds(self) -> bool:
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    @property
    def floor(self) -> str:
        least = f"at least {self.least:g}" if self.least is not None else ""
        most = f"at most {self.most:g}" if self.most is not None else ""
        return least or most or "none"


def median_ratio(pairs: Sequence[tuple[float, float]]) -> float:
    """Of each pair the first by the second, and the median of that."""
    return statistics.median(first / second for first, second in pairs)


def table(figures: Sequence[Figure]) -> str:
    heads = ("figure", "measured", "floor", "holds", "from")
    rows = [(f.name, f"{f.value:.2f}", f.floor, "yes" if f.holds else "NO", f.told) for f in figures]
    widths = [max(len(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (heads, *rows)]
    return "\n".join([lines[0], "-+-".join("-" * width for width in widths), *lines[1:]])
