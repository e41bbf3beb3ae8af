"""The WSGI application that the web server loads."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
application = get_wsgi_application()

from jobs_app.checks import refuse_a_careless_start  # noqa: E402  (needs the applications to be loaded)

refuse_a_careless_start()
# What is loaded by now stays; going through all of it again would hold up somebody's request for a tenth of a second.
gc.collect()
gc.freeze()
# Nearly all that a request makes goes by itself: cycles among it are looked for more rarely than every 700 objects.
gc.set_threshold(20_000, 20, 50)
