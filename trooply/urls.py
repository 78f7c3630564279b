"""Every address of the product, app by app."""

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from trooply import api_errors, health

# Swagger UI writes styles into its elements.
documentation = csp_update({"style-src": [SELF, UNSAFE_INLINE]})(
    SpectacularSwaggerSplitView.as_view(url_name="openapi")
)

urlpatterns = [
    path("", include("analytics.urls")),
    path("", include("accounts.urls")),
    path("", include("catalog.urls")),
    path("", include("search.urls")),
    path("", include("merchandising.urls")),
    path("admin/", admin.site.urls),
    path("openapi.json", SpectacularJSONAPIView.as_view(), name="openapi"),
    path("docs", documentation, name="docs"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
]

handler400 = api_errors.bad_request
handler404 = api_errors.not_found
handler500 = api_errors.server_error
