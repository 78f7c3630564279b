"""`make bench`: how fast this machine indexes and searches, beside a plain open_clip loop."""
