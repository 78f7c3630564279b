from django.urls import path

from search import api, catalog_api, history_api, objects_api, pages, preview_api, saved_api
from search.chat import api as chat_api
from search.chat import openai_api
from search.configuration import api as config_api
from search.configuration import pages as settings_pages
from search.experiments import api as experiments_api
from search.experiments import pages as experiment_pages
from search.modes import MODES
from search.voice import api as voice_api

urlpatterns = [
    path("v1/search", api.UploadView.as_view(), name="search-upload"),
    *(path(f"v1/search/{mode.name}", api.mode_view(mode), name=f"search-{mode.name}") for mode in MODES.values()),
    path("v1/search/objects", objects_api.ObjectsView.as_view(), name="search-objects"),
    path("v1/search/voice", voice_api.VoiceView.as_view(), name="search-voice"),
    path("v1/ai/chat", chat_api.ChatView.as_view(), name="ai-chat"),
    path("v1/ai/chat/completions", openai_api.CompletionsView.as_view(), name="ai-chat-completions"),
    path("v1/search/batch", api.BatchView.as_view(), name="search-batch"),
    path("v1/products/<id:product_id>/similar", api.SimilarView.as_view(), name="product-similar"),
    path("v1/search/history", history_api.HistoryView.as_view(), name="search-history"),
    path("v1/search/saved", saved_api.SavedSearchListView.as_view(), name="saved-search-list"),
    path("v1/search/saved/<id:saved_id>", saved_api.SavedSearchView.as_view(), name="saved-search"),
    path("v1/search/saved/<id:saved_id>/run", saved_api.SavedSearchRunView.as_view(), name="saved-search-run"),
    path("v1/merchandising/preview", preview_api.PreviewView.as_view(), name="merchandising-preview"),
    path("v1/search-config", config_api.SearchConfigView.as_view(), name="search-config"),
    path("v1/search-config/smart-threshold", config_api.SmartThresholdView.as_view(), name="smart-threshold"),
    path("v1/experiments", experiments_api.ExperimentListView.as_view(), name="experiment-list"),
    path("v1/experiments/<id:experiment_id>", experiments_api.ExperimentView.as_view(), name="experiment"),
    path("v1/experiments/<id:experiment_id>/stop", experiments_api.StopView.as_view(), name="experiment-stop"),
    path("v1/catalog/search", catalog_api.CatalogSearchView.as_view(), name="catalog-search"),
    path("search", pages.search_page, name="search"),
    path("history/forget", pages.forget, name="history-forget"),
    path("search-settings", settings_pages.settings_page, name="search-settings"),
    path("search-settings/save", settings_pages.save, name="search-settings-save"),
    path("search-settings/recompute", settings_pages.recompute, name="search-settings-recompute"),
    path("search-settings/experiments/new", experiment_pages.new_experiment, name="experiment-new"),
    path("search-settings/experiments/<id:experiment_id>", experiment_pages.experiment_page, name="experiment-shown"),
    path("search-settings/experiments/<id:experiment_id>/stop", experiment_pages.stop, name="experiment-end"),
]
