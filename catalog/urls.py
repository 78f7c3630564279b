from django.urls import path, register_converter
from django.urls.converters import StringConverter

from catalog import api, catalog_api, custom_fields_api, custom_fields_pages, facets_api, pages


class IdConverter(StringConverter):
    """An id as a merchant may choose it; PostgreSQL takes no null character."""

    regex = r"[^/\x00]+"


register_converter(IdConverter, "id")

urlpatterns = [
    path("v1/products", api.ProductListView.as_view(), name="product-list"),
    path("v1/products/bulk", api.BulkView.as_view(), name="product-bulk"),
    path("v1/products/demo", api.DemoView.as_view(), name="product-demo"),
    path("v1/products/stats", api.StatsView.as_view(), name="product-stats"),
    path("v1/products/facets", facets_api.FacetsView.as_view(), name="product-facets"),
    path("v1/products/<id:product_id>", api.ProductView.as_view(), name="product"),
    path("v1/jobs", api.JobListView.as_view(), name="job-list"),
    path("v1/jobs/<id:job_id>", api.JobView.as_view(), name="job"),
    path("v1/jobs/<id:job_id>/errors", api.JobErrorsView.as_view(), name="job-errors"),
    path("v1/jobs/<id:job_id>/cancel", api.JobCancelView.as_view(), name="job-cancel"),
    path("v1/jobs/<id:job_id>/retry-failed", api.JobRetryView.as_view(), name="job-retry"),
    path("v1/custom-fields", custom_fields_api.CustomFieldListView.as_view(), name="custom-field-list"),
    path("v1/custom-fields/<id:key>", custom_fields_api.CustomFieldView.as_view(), name="custom-field"),
    path("v1/catalog/products", catalog_api.CatalogProductsView.as_view(), name="catalog-products"),
    path("v1/catalog/products/<id:product_id>", catalog_api.CatalogProductView.as_view(), name="catalog-product"),
    path("products", pages.product_list, name="products"),
    path("products/delete", pages.delete, name="products-delete"),
    path("products/reindex", pages.reindex, name="products-reindex"),
    path("custom-fields", custom_fields_pages.field_list, name="custom-fields"),
    path("custom-fields/new", custom_fields_pages.new_field, name="custom-field-new"),
    path("custom-fields/<id:key>/edit", custom_fields_pages.edit_field, name="custom-field-edit"),
    path("custom-fields/<id:key>/force", custom_fields_pages.force, name="custom-field-force"),
    path("custom-fields/<id:key>/delete", custom_fields_pages.delete, name="custom-field-delete"),
    path("media/<path:name>", pages.media, name="media"),
]
