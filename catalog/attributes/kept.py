"""What a merchant has accepted of a product stays when the shop sends it anew without a word on it.

The shop's own systems know nothing of what was accepted here, so a full version lacks it: that takes nothing back. Who
wants that undoes the decision, or changes the metadata by a PATCH: what the product does not say now is not kept.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from accounts.models import Tenant
from catalog.attributes.targets import TARGETS, is_said
from catalog.models import AttributeDecision


def kept_attributes(tenant: Tenant, product_ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return the metadata that were accepted of these products and that these still have, by product_id and key.

    It is one query; products without any are left out.
    """
    accepted = AttributeDecision.objects.filter(tenant=tenant, product__product_id__in=product_ids, accepted=True)
    kept: dict[str, dict[str, Any]] = defaultdict(dict)
    for product_id, metadata, attribute, value in accepted.values_list(
        "product__product_id", "product__metadata", "attribute", "value"
    ):
        key = TARGETS[attribute][0]
        if metadata.get(key) == value:
            kept[product_id][key] = value
    return dict(kept)


def with_kept(sent: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata as a shop has sent them, with what is kept of those attributes that it does not tell itself."""
    unsaid = {keys[0] for attribute, keys in TARGETS.items() if not is_said(sent, attribute)}
    return {**sent, **{key: value for key, value in kept.items() if key in unsaid}}


def may_lose(stored: Mapping[str, Any], sent: Mapping[str, Any]) -> bool:
    """Return whether these metadata, sent in place of the stored ones, lack something that may have been accepted."""
    return any(stored.get(keys[0]) and not is_said(sent, attribute) for attribute, keys in TARGETS.items())
