from django.urls import path

from analytics import pages

urlpatterns = [path("", pages.overview, name="overview")]
