"""The Celery application; `celery -A trooply worker` and `beat` start here."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trooply.settings")

app = Celery("trooply")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
