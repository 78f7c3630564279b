"""Search by voice: recordings, what was said in them, and the door to it."""
