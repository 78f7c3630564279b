import pytest

from accounts.permissions import ALL_PERMISSIONS, expand, parse_scopes


@pytest.mark.parametrize(
    "value",
    [
        {"products": ["read"], "search": ["read"]},
        ["search:read", "products:read"],
        "products:read search:read",
        "products:read,search:read",
    ],
)
def test_scopes_are_read_in_every_form(value):
    assert parse_scopes(value) == ["products:read", "search:read"]


@pytest.mark.parametrize("value", [["products:fly"], {"moon": ["read"]}, "read", 7, None])
def test_an_unknown_scope_is_refused(value):
    with pytest.raises(ValueError, match=r"permission|Scopes"):
        parse_scopes(value)


def test_search_read_grants_searching():
    assert "search:execute" in expand(["search:read"])
    assert expand(["products:read"]) == {"products:read"}


def test_the_vocabulary_holds_what_the_guides_name():
    named = {"products:read", "products:write", "products:delete", "products:bulk", "search:execute"}
    assert named | {"search:read", "search:write"} <= ALL_PERMISSIONS
