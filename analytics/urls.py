from django.urls import path

from analytics import api, pages

urlpatterns = [
    path("", pages.overview, name="overview"),
    path("history", pages.history, name="history"),
    path("v1/search/feedback", api.FeedbackView.as_view(), name="feedback"),
    path("v1/search/feedback/popular", api.PopularView.as_view(), name="popular"),
    path("v1/search/suggestions", api.SuggestionsView.as_view(), name="suggestions"),
    path("v1/search/autocomplete", api.AutocompleteView.as_view(), name="autocomplete"),
    path("v1/search/analytics", api.AnalyticsView.as_view(), name="search-analytics"),
]
