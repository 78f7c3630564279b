from django.urls import path, register_converter
from django.urls.converters import StringConverter

from catalog import (
    api,
    catalog_api,
    custom_fields_api,
    custom_fields_pages,
    facets_api,
    pages,
    patch_batch_api,
    settings_api,
    settings_pages,
)
from catalog.attributes import api as attributes_api
from catalog.attributes import pages as attributes_pages
from catalog.duplicates import api as duplicates_api
from catalog.duplicates import pages as duplicates_pages
from catalog.export import api as export_api
from catalog.feeds import api as feeds_api
from catalog.feeds import pages as import_pages
from catalog.jobs import api as jobs_api
from catalog.jobs import pages as job_pages
from catalog.moderation import api as moderation_api
from catalog.moderation import pages as moderation_pages
from catalog.quality import api as quality_audit_api
from catalog.quality import pages as quality_audit_pages


class IdConverter(StringConverter):
    """An id as a merchant may choose it; PostgreSQL takes no null character."""

    regex = r"[^/\x00]+"


register_converter(IdConverter, "id")

urlpatterns = [
    path("v1/products", api.ProductListView.as_view(), name="product-list"),
    path("v1/products/bulk", api.BulkView.as_view(), name="product-bulk"),
    path("v1/products/demo", api.DemoView.as_view(), name="product-demo"),
    path("v1/products/import", feeds_api.ImportView.as_view(), name="product-import"),
    path("v1/products/patch-batch", patch_batch_api.PatchBatchView.as_view(), name="product-patch-batch"),
    path("v1/products/sync", feeds_api.SyncView.as_view(), name="product-sync"),
    path("v1/products/stats", api.StatsView.as_view(), name="product-stats"),
    path("v1/products/facets", facets_api.FacetsView.as_view(), name="product-facets"),
    path("v1/products/quality-audit", quality_audit_api.QualityAuditView.as_view(), name="quality-audit"),
    path(
        "v1/products/attribute-suggestions",
        attributes_api.SuggestionListView.as_view(),
        name="attribute-suggestion-list",
    ),
    path(
        "v1/products/attribute-suggestions/accept",
        attributes_api.AcceptView.as_view(),
        name="attribute-suggestion-accept",
    ),
    path(
        "v1/products/attribute-suggestions/reject",
        attributes_api.RejectView.as_view(),
        name="attribute-suggestion-reject",
    ),
    path("v1/products/attribute-suggestions/undo", attributes_api.UndoView.as_view(), name="attribute-suggestion-undo"),
    path("v1/products/<id:product_id>", api.ProductView.as_view(), name="product"),
    path("v1/jobs", jobs_api.JobListView.as_view(), name="job-list"),
    path("v1/jobs/<id:job_id>", jobs_api.JobView.as_view(), name="job"),
    path("v1/jobs/<id:job_id>/errors", jobs_api.JobErrorsView.as_view(), name="job-errors"),
    path("v1/jobs/<id:job_id>/cancel", jobs_api.JobCancelView.as_view(), name="job-cancel"),
    path("v1/jobs/<id:job_id>/retry-failed", jobs_api.JobRetryView.as_view(), name="job-retry"),
    path("v1/custom-fields", custom_fields_api.CustomFieldListView.as_view(), name="custom-field-list"),
    path("v1/custom-fields/<id:key>", custom_fields_api.CustomFieldView.as_view(), name="custom-field"),
    path("v1/catalog/products", catalog_api.CatalogProductsView.as_view(), name="catalog-products"),
    path("v1/catalog/products/<id:product_id>", catalog_api.CatalogProductView.as_view(), name="catalog-product"),
    path("products", pages.product_list, name="products"),
    path("products/delete", pages.delete, name="products-delete"),
    path("products/reindex", pages.reindex, name="products-reindex"),
    path("import", import_pages.choose, name="import"),
    path("import/example.csv", import_pages.example, name="import-example"),
    path("import/preview", import_pages.preview, name="import-preview"),
    path("import/start", import_pages.start, name="import-start"),
    path("jobs", job_pages.job_list, name="portal-jobs"),
    path("jobs/<id:job_id>", job_pages.job_detail, name="portal-job"),
    path("jobs/<id:job_id>/errors.ndjson", job_pages.job_errors, name="portal-job-errors"),
    path("jobs/<id:job_id>/errors.csv", job_pages.job_errors_table, name="portal-job-errors-csv"),
    path("jobs/<id:job_id>/retry", job_pages.retry, name="portal-job-retry"),
    path("jobs/<id:job_id>/cancel", job_pages.cancel, name="portal-job-cancel"),
    path("custom-fields", custom_fields_pages.field_list, name="custom-fields"),
    path("custom-fields/new", custom_fields_pages.new_field, name="custom-field-new"),
    path("custom-fields/<id:key>/edit", custom_fields_pages.edit_field, name="custom-field-edit"),
    path("custom-fields/<id:key>/force", custom_fields_pages.force, name="custom-field-force"),
    path("custom-fields/<id:key>/delete", custom_fields_pages.delete, name="custom-field-delete"),
    path("v1/moderation/policy", moderation_api.PolicyView.as_view(), name="moderation-policy"),
    path("v1/moderation/summary", moderation_api.SummaryView.as_view(), name="moderation-summary"),
    path("v1/moderation/events", moderation_api.EventListView.as_view(), name="moderation-event-list"),
    path("v1/moderation/events/<id:event_id>/review", moderation_api.ReviewView.as_view(), name="moderation-review"),
    path("moderation", moderation_pages.overview, name="moderation"),
    path("moderation/policy", moderation_pages.save, name="moderation-save"),
    path("moderation/events", moderation_pages.review_ticked, name="moderation-decide-ticked"),
    path("moderation/events/<id:event_id>", moderation_pages.review, name="moderation-decide"),
    path("quality", quality_audit_pages.audit, name="quality"),
    path("quality/reindex", quality_audit_pages.judge_again, name="quality-reindex"),
    path("quality/below.csv", quality_audit_pages.table, name="quality-csv"),
    path("attributes", attributes_pages.suggestions, name="attributes"),
    path("attributes/decide", attributes_pages.decide, name="attributes-decide"),
    path("attributes/undo", attributes_pages.undo, name="attributes-undo"),
    path("v1/settings", settings_api.SettingsView.as_view(), name="catalog-settings"),
    path("v1/account/export", export_api.ExportView.as_view(), name="account-export-start"),
    path("v1/account/exports/<str:token>", export_api.ExportFileView.as_view(), name="account-export"),
    path("settings", settings_pages.overview, name="settings"),
    path("settings/multilingual", settings_pages.save_multilingual, name="settings-multilingual"),
    path("settings/export", settings_pages.export, name="settings-export"),
    path("settings/delete-products", settings_pages.delete_products, name="settings-delete-products"),
    path("settings/jobs", settings_pages.progress, name="settings-progress"),
    path("v1/duplicates", duplicates_api.DuplicateListView.as_view(), name="duplicate-list"),
    path("v1/duplicates/scan", duplicates_api.DuplicateScanView.as_view(), name="duplicate-scan"),
    path(
        "v1/duplicates/<id:group_id>/resolve", duplicates_api.DuplicateResolveView.as_view(), name="duplicate-resolve"
    ),
    path("duplicates", duplicates_pages.overview, name="duplicates"),
    path("duplicates/progress", duplicates_pages.progress, name="duplicates-progress"),
    path("duplicates/scan", duplicates_pages.scan, name="duplicates-scan"),
    path("duplicates/resolve", duplicates_pages.resolve, name="duplicates-resolve"),
    path("duplicates/undo", duplicates_pages.undo, name="duplicates-undo"),
    path("media/<path:name>", pages.media, name="media"),
]
