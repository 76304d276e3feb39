"""The WSGI application that granian serves."""

import gc
import os
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

_site: Any = get_wsgi_application()

from config.door import Door  # noqa: E402 - not before the settings are read
from config.operation.start import before_serving  # noqa: E402 - as above

application = before_serving(Door(_site))

# What was imported stays for good: looking through it again and again for garbage costs milliseconds at a time.
gc.collect()
gc.freeze()
gc.set_threshold(10_000, 20, 50)
