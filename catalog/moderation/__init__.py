"""What pictures should not be seen: the tenant's policy, how pictures are judged by it, and the log of all of them."""
