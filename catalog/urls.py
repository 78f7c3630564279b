from django.urls import path, register_converter
from django.urls.converters import StringConverter

from catalog import api, pages


class IdConverter(StringConverter):
    """An id as a merchant may choose it; PostgreSQL takes no null character."""

    regex = r"[^/\x00]+"


register_converter(IdConverter, "id")

urlpatterns = [
    path("v1/products", api.ProductListView.as_view(), name="product-list"),
    path("v1/products/bulk", api.BulkView.as_view(), name="product-bulk"),
    path("v1/products/demo", api.DemoView.as_view(), name="product-demo"),
    path("v1/products/stats", api.StatsView.as_view(), name="product-stats"),
    path("v1/products/<id:product_id>", api.ProductView.as_view(), name="product"),
    path("v1/jobs", api.JobListView.as_view(), name="job-list"),
    path("v1/jobs/<id:job_id>", api.JobView.as_view(), name="job"),
    path("v1/jobs/<id:job_id>/errors", api.JobErrorsView.as_view(), name="job-errors"),
    path("v1/jobs/<id:job_id>/cancel", api.JobCancelView.as_view(), name="job-cancel"),
    path("v1/jobs/<id:job_id>/retry-failed", api.JobRetryView.as_view(), name="job-retry"),
    path("products", pages.product_list, name="products"),
    path("products/delete", pages.delete, name="products-delete"),
    path("products/reindex", pages.reindex, name="products-reindex"),
    path("media/<path:name>", pages.media, name="media"),
]
