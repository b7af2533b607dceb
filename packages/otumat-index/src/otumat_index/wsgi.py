"""The WSGI application that stands behind the hot lane."""

from __future__ import annotations

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from otumat_index.web import logs

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "otumat_index.settings")

logs.configure(level=settings.CONFIG.log_level, form=settings.CONFIG.log_format)
application = get_wsgi_application()
