"""The WSGI application that the web server loads."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trooply.settings")

application = get_wsgi_application()

from catalog.encoders import active_encoder  # noqa: E402 - its models can be imported only now

# A broken bundle must fail here, and the first shopper must not wait for it.
active_encoder()
