from importlib import import_module

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "catalog"

    def ready(self) -> None:
        """Register what is to be erased with a tenant."""
        import_module("catalog.erasure")
