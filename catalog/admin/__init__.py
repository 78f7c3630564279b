"""The catalogue for staff: to look at everything, and to repair it."""

from catalog.admin import duplicates, encoders, jobs, moderation, products, settings

__all__ = ["duplicates", "encoders", "jobs", "moderation", "products", "settings"]
