"""The WSGI application that stands behind the hot lane."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "otumat_index.settings")

application = get_wsgi_application()
