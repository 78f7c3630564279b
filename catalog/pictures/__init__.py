"""Pictures at their addresses: fetching them politely, looking for them again, and keeping their thumbnails."""
