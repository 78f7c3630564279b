"""What happened: one event a search, written to Redis on the hot path and flushed to PostgreSQL in batches, and the
reports read from them. It takes plain values, so that it never needs to know a query."""
