"""What to tell somebody whose filters leave nothing: most often a shop names its categories otherwise."""

import difflib

from accounts.models import Tenant
from catalog.facets import count_facets
from catalog.filters import Condition, Filter, Operator, Type, conditions_of
from catalog.models import Product

NAMED = 5


def find_hint(tenant: Tenant, wanted: Filter) -> str:
    """Return which value of a filter no product has, and which there are instead; nothing where each has products."""
    for condition, is_excluded in conditions_of(wanted):
        is_choice = condition.operator is Operator.IN and condition.field.type in (Type.STRING, Type.STRINGS)
        if (
            is_choice
            and not is_excluded
            and condition.field.facet
            and not tenant.products.filter(condition.to_q()).exists()
        ):
            return _hint(tenant, condition)
    return ""


def _hint(tenant: Tenant, condition: Condition) -> str:
    field, asked = condition.field, str(condition.value[0])
    products = tenant.products.filter(status=Product.Status.INDEXED)
    known = [counted["value"] for counted in count_facets(products, [field])[field.name]]
    spellings = {value.lower(): value for value in known}
    near = [spellings[value] for value in difflib.get_close_matches(asked.lower()[:100], spellings, n=NAMED)]
    named = ", ".join(near or known[:NAMED]) or "none yet"
    return f"No product has the {field.name} {asked[:100]!r}. There are: {named}."
