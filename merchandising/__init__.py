"""The merchant's hand in the results: rules that pin, boost and bury products, synonyms and banners. They are applied
by `search` between ranking and the answer; this app knows hits and queries as values, and no request."""
