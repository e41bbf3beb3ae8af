"""The backend of a demo: whoever first connects makes sure that the server runs; nobody else starts anything."""

from typing import Any

from django.conf import settings
from django.db.backends.postgresql import base

from portal import demo, embedded


class DatabaseWrapper(base.DatabaseWrapper):
    """PostgreSQL at the address that the data folder remembers; ``USER`` names the role."""

    def get_connection_params(self) -> dict[str, Any]:
        embedded.ensure_running(settings.DATA_DIR)
        values = demo.load(settings.DATA_DIR)
        role = self.settings_dict["USER"].removeprefix("portal_")
        self.settings_dict |= {
            "HOST": "127.0.0.1",
            "PORT": str(values.postgres_port),
            "PASSWORD": getattr(values, f"{role}_password"),
        }
        return super().get_connection_params()
