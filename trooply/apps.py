"""The app of the roof, and the admin site that asks staff for their second factor."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps

from trooply import checks
from trooply.celery import app as celery_app


class TrooplyConfig(AppConfig):
    """Loads the Celery application, so that tasks bind to it, and the system checks."""

    name = "trooply"
    default = True
    celery_app = celery_app
    checks = checks


class StaffAdminConfig(admin_apps.AdminConfig):
    default = False
    default_site = "trooply.staff_site.StaffSite"
