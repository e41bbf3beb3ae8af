"""The application's registration."""

from django.apps import AppConfig


class JobsAppConfig(AppConfig):
    name = "jobs_app"
    verbose_name = "KooDrive batch portal"

    def ready(self) -> None:
        from . import checks  # noqa: F401  (registers the system checks)
