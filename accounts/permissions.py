"""The vocabulary of permissions, `resource:action`, that groups, API keys and endpoints share."""

from collections.abc import Iterable

_ACTIONS = {
    "products": ("read", "write", "delete", "bulk"),
    "search": ("execute", "read", "write"),
    "analytics": ("read",),
    "webhooks": ("read", "write"),
    "merchandising": ("read", "write"),
    "banners": ("read", "write"),
    "custom_fields": ("read", "write"),
    "moderation": ("read", "write"),
    "widget": ("read", "write"),
    "billing": ("read", "write"),
    "security": ("read", "write"),
    "team": ("read", "write"),
    "settings": ("read", "write"),
    "logs": ("read",),
}
ALL_PERMISSIONS = frozenset(f"{resource}:{action}" for resource, actions in _ACTIONS.items() for action in actions)
# The guides grant `search:read` to whoever shall search, the playground calls it `search:execute`: both must work.
_IMPLIED = {"search:read": "search:execute"}

DEVELOPER_PERMISSIONS = frozenset(
    permission
    for permission in ALL_PERMISSIONS
    if permission.split(":")[0] in {"products", "search", "analytics", "webhooks", "widget", "custom_fields", "logs"}
)


def expand(permissions: Iterable[str]) -> frozenset[str]:
    """Return the permissions with all that they imply."""
    granted = set(permissions)
    return frozenset(granted | {_IMPLIED[name] for name in granted if name in _IMPLIED})


def parse_scopes(value: object) -> list[str]:
    """Return the permissions meant by `{"products": ["read"]}`, `["products:read"]` or `"products:read search:read"`.

    Raises ValueError naming the first scope that does not exist.
    """
    match value:
        case str():
            scopes = value.replace(",", " ").split()
        case list():
            scopes = [str(scope) for scope in value]
        case dict():
            scopes = [f"{resource}:{action}" for resource, actions in value.items() for action in actions]
        case _:
            raise ValueError("Scopes are an object, a list or a string of resource:action names.")
    for scope in scopes:
        if scope not in ALL_PERMISSIONS:
            raise ValueError(f"There is no permission {scope!r}; there are {', '.join(sorted(ALL_PERMISSIONS))}.")
    return sorted(set(scopes))
