"""The Celery application. A message is only a nudge: the rows in PostgreSQL are the queue."""

import os
from typing import Any

from celery import Celery, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.celeryd_init.connect
def _let_workers_wait(conf: Any, **kwargs: Any) -> None:
    # A web request gives a frozen broker one second; a worker's blocking read needs longer than its poll.
    conf.broker_transport_options = {**conf.broker_transport_options, "socket_timeout": 15}


@signals.setup_logging.connect
def _keep_djangos_logging(**kwargs: Any) -> None:
    # Connecting this signal is what stops Celery from replacing the logging of settings.py.
    from logging.config import dictConfig

    from django.conf import settings

    dictConfig(settings.LOGGING)


@signals.worker_init.connect
def _start_with_care(**kwargs: Any) -> None:
    from django.core.exceptions import ImproperlyConfigured

    from jobs_app import connection
    from jobs_app.callbacks import posting
    from jobs_app.checks import refuse_a_careless_start

    try:
        refuse_a_careless_start()
        connection.adopt_environment()
        connection.client()
        posting.trusted()
    except ImproperlyConfigured as error:
        # Celery only logs the exceptions of its signals' receivers; this one ends the process.
        raise SystemExit(str(error)) from error
