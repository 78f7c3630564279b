"""The WSGI application that the web server loads."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trooply.settings")

application = get_wsgi_application()

from catalog.encoders import start_serving  # noqa: E402 - its models can be imported only now
from catalog.translation.queries import prepare  # noqa: E402
from trooply.statement_timeout import limit_statements  # noqa: E402

limit_statements()
# A setting that names no encoder must fail here, and the first shopper must not wait for the bundle.
start_serving()
prepare()
