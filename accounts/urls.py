from django.urls import path

from accounts import api, pages
from accounts.webhooks import api as webhooks_api
from accounts.webhooks import pages as webhooks_pages

urlpatterns = [
    path("oauth/token", api.TokenView.as_view(), name="oauth-token"),
    path("oauth/login", api.LoginView.as_view(), name="oauth-login"),
    path("v1/search/webhooks", webhooks_api.EndpointListView.as_view(), name="webhook-list"),
    path(
        "v1/search/webhooks/callback-secret",
        webhooks_api.CallbackSecretView.as_view(),
        name="webhook-callback-secret",
    ),
    path(
        "v1/search/webhooks/deliveries/<str:delivery_id>",
        webhooks_api.DeliveryView.as_view(),
        name="webhook-delivery",
    ),
    path(
        "v1/search/webhooks/deliveries/<str:delivery_id>/redeliver",
        webhooks_api.RedeliverView.as_view(),
        name="webhook-delivery-redeliver",
    ),
    path("v1/search/webhooks/<str:webhook_id>", webhooks_api.EndpointView.as_view(), name="webhook"),
    path("v1/search/webhooks/<str:webhook_id>/test", webhooks_api.EndpointTestView.as_view(), name="webhook-test"),
    path(
        "v1/search/webhooks/<str:webhook_id>/rotate-secret",
        webhooks_api.EndpointSecretView.as_view(),
        name="webhook-rotate-secret",
    ),
    path(
        "v1/search/webhooks/<str:webhook_id>/deliveries",
        webhooks_api.EndpointDeliveriesView.as_view(),
        name="webhook-deliveries",
    ),
    path(
        "v1/search/webhooks/<str:webhook_id>/redeliver",
        webhooks_api.RedeliverRangeView.as_view(),
        name="webhook-redeliver",
    ),
    path("webhooks", webhooks_pages.endpoint_list, name="webhooks"),
    path("webhooks/new", webhooks_pages.new, name="webhooks-new"),
    path("webhooks/callback-secret", webhooks_pages.callback_secret, name="webhooks-callback-secret"),
    path("webhooks/deliveries/<str:delivery_id>", webhooks_pages.delivery, name="webhooks-delivery"),
    path(
        "webhooks/deliveries/<str:delivery_id>/redeliver", webhooks_pages.redeliver_one, name="webhooks-redeliver-one"
    ),
    path("webhooks/<str:webhook_id>", webhooks_pages.endpoint, name="webhooks-endpoint"),
    path("webhooks/<str:webhook_id>/edit", webhooks_pages.edit, name="webhooks-edit"),
    path("webhooks/<str:webhook_id>/switch", webhooks_pages.switch, name="webhooks-switch"),
    path("webhooks/<str:webhook_id>/test", webhooks_pages.test, name="webhooks-test"),
    path("webhooks/<str:webhook_id>/rotate", webhooks_pages.rotate, name="webhooks-rotate"),
    path("webhooks/<str:webhook_id>/redeliver", webhooks_pages.redeliver_failed, name="webhooks-redeliver"),
    path("webhooks/<str:webhook_id>/delete", webhooks_pages.delete, name="webhooks-delete"),
    path("sign-in", pages.SignIn.as_view(), name="sign-in"),
    path("sign-out", pages.SignOut.as_view(), name="sign-out"),
]
