"""What a tenant has configured of its searches: weights, thresholds, and what the catalogue recommends."""
