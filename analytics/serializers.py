"""What happened, as the API shows it."""

from typing import Any

from rest_framework import serializers

from analytics.models import SearchEvent

MAX_DAYS = 400


class DaysInput(serializers.Serializer[dict[str, Any]]):
    days = serializers.IntegerField(min_value=1, max_value=MAX_DAYS, default=30)


class PopularInput(DaysInput):
    limit = serializers.IntegerField(min_value=1, max_value=100, default=20)


class SuggestionsInput(serializers.Serializer[dict[str, Any]]):
    limit = serializers.IntegerField(min_value=1, max_value=100, default=10)


class AutocompleteInput(serializers.Serializer[dict[str, Any]]):
    q = serializers.CharField(max_length=100, allow_blank=True, help_text="what is typed so far")
    limit = serializers.IntegerField(min_value=1, max_value=20, default=10)


class RecordedSerializer(serializers.Serializer[dict[str, str]]):
    status = serializers.ChoiceField(
        ["recorded", "duplicate"], help_text="duplicate when this product's purchase in this order was known already"
    )


class PopularProductSerializer(serializers.Serializer[dict[str, Any]]):
    product_id = serializers.CharField()
    score = serializers.FloatField(help_text="a click counts 1, an add_to_cart 4, a purchase 10")
    clicks = serializers.IntegerField()
    add_to_carts = serializers.IntegerField()
    purchases = serializers.IntegerField()
    metadata = serializers.DictField()


class PopularSerializer(serializers.Serializer[dict[str, Any]]):
    products = PopularProductSerializer(many=True)


class QueryCountSerializer(serializers.Serializer[dict[str, Any]]):
    query = serializers.CharField()
    count = serializers.IntegerField()


class QuerySuggestionsSerializer(serializers.Serializer[dict[str, Any]]):
    suggestions = QueryCountSerializer(many=True)


class CompletionSerializer(serializers.Serializer[dict[str, Any]]):
    text = serializers.CharField()
    kind = serializers.ChoiceField(["query", "category", "brand", "product"])
    count = serializers.IntegerField(required=False, help_text="of searches for it, or of products in it")
    product_id = serializers.CharField(required=False)


class AutocompleteSerializer(serializers.Serializer[dict[str, Any]]):
    query = serializers.CharField(allow_blank=True)
    suggestions = CompletionSerializer(many=True)


class SearchSerializer(serializers.ModelSerializer[SearchEvent]):
    type = serializers.CharField(source="mode")
    query = serializers.CharField(source="text", allow_blank=True)
    latency_ms = serializers.FloatField(source="milliseconds")
    params = serializers.DictField(help_text="the request's fields, to ask again; pictures that were sent are left out")
    filters = serializers.ListField(child=serializers.DictField())

    class Meta:
        model = SearchEvent
        fields = [
            "search_id",
            "type",
            "query",
            "results",
            "latency_ms",
            "created_at",
            "surface",
            "params",
            "filters",
            "top_product_ids",
            "session_id",
            "user_id",
            "experiment",
            "variant",
        ]


class HistorySummarySerializer(serializers.Serializer[dict[str, int]]):
    total = serializers.IntegerField()
    today = serializers.IntegerField(help_text="since midnight UTC")


class HistorySerializer(serializers.Serializer[dict[str, Any]]):
    data = SearchSerializer(many=True)  # type: ignore[assignment]  # Serializer has one of its own
    has_more = serializers.BooleanField()
    next_cursor = serializers.CharField(allow_null=True)
    summary = HistorySummarySerializer()


class ForgottenSerializer(serializers.Serializer[dict[str, int]]):
    deleted = serializers.IntegerField()


class DaySerializer(serializers.Serializer[dict[str, Any]]):
    date = serializers.DateField()
    searches = serializers.IntegerField()


class RevenueSerializer(serializers.Serializer[dict[str, Any]]):
    currency = serializers.CharField(allow_blank=True, help_text="empty where purchases named none")
    amount = serializers.FloatField()
    orders = serializers.IntegerField()


class ConversionSerializer(serializers.Serializer[dict[str, Any]]):
    clicks = serializers.IntegerField()
    add_to_carts = serializers.IntegerField()
    purchases = serializers.IntegerField()
    click_through_rate = serializers.FloatField(help_text="share of searches of which a result was clicked, 0 to 1")
    conversion_rate = serializers.FloatField(help_text="share of searches of which a result was bought, 0 to 1")
    revenue = RevenueSerializer(many=True, help_text="of purchases with order_value that name one of these searches")


class AnalyticsSerializer(serializers.Serializer[dict[str, Any]]):
    total_searches = serializers.IntegerField()
    avg_latency_ms = serializers.FloatField()
    zero_result_searches = serializers.IntegerField()
    zero_result_rate = serializers.FloatField(help_text="0 to 1")
    by_day = DaySerializer(many=True, help_text="days of UTC, the oldest first, the last one today")
    by_type = serializers.DictField(child=serializers.IntegerField())
    top_queries = QueryCountSerializer(many=True)
    conversion = ConversionSerializer()
