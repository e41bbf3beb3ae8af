"""A stand-in for KooDrive's jobs API over real HTTP: for demos, tests and benchmarks, never for production."""

from .access import App
from .faults import Fault, Kind, When
from .server import Sandbox
from .views import Quirks

__all__ = ["App", "Fault", "Kind", "Quirks", "Sandbox", "When"]
