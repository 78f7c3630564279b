"""What a shop pays for: plans, the subscription of each tenant, and the limits that follow from it."""
