"""The export of a tenant's catalogue: a job writes it in parts, and a signed link that expires hands it out."""
