"""The app of the roof, the admin site that asks staff for their second factor, and which static files we serve."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.contrib.staticfiles import apps as static_apps

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


class ServedStaticFilesConfig(static_apps.StaticFilesConfig):
    """Leaves out what packages bring for pages that we do not have; it is most of all static files."""

    default = False
    ignore_patterns = [*static_apps.StaticFilesConfig.ignore_patterns, "redoc", "rest_framework"]
