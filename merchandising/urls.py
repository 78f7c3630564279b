from django.urls import path

from merchandising import api, pages

urlpatterns = [
    path("v1/merchandising/rules", api.RuleListView.as_view(), name="rule-list"),
    path("v1/merchandising/rules/<uuid:rule_id>", api.RuleView.as_view(), name="rule"),
    path("v1/merchandising/synonyms", api.SynonymListView.as_view(), name="synonym-list"),
    path("v1/merchandising/synonyms/<uuid:synonym_id>", api.SynonymView.as_view(), name="synonym"),
    path("v1/promo-banners", api.BannerListView.as_view(), name="banner-list"),
    path("v1/promo-banners/<uuid:banner_id>", api.BannerView.as_view(), name="banner"),
    path("merchandising", pages.rule_list, name="merchandising"),
    path("merchandising/products", pages.chosen_products, name="chosen-products"),
    path("promos", pages.banner_list, name="promos"),
    *pages.page_urls(pages.RULE, "merchandising/rules"),
    *pages.page_urls(pages.SYNONYMS, "merchandising/synonyms"),
    *pages.page_urls(pages.BANNER, "promos"),
]
