"""The Celery application; `celery -A trooply worker` and `beat` start here."""

import os
from logging.config import dictConfig
from typing import Any

from celery import Celery
from celery.signals import setup_logging
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trooply.settings")

app = Celery("trooply")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def log_as_the_web_does(**kwargs: Any) -> None:
    """Log JSON at LOG_LEVEL; Celery leaves logging alone where this signal has a receiver."""
    dictConfig(settings.LOGGING)
