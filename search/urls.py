from django.urls import path

from search import api, pages

urlpatterns = [
    path("v1/search", api.UploadView.as_view(), name="search-upload"),
    path("v1/search/url", api.UrlView.as_view(), name="search-url"),
    path("v1/search/text", api.TextView.as_view(), name="search-text"),
    path("search", pages.search_page, name="search"),
]
