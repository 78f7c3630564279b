"""How good a catalogue's pictures are, what would help, and which are worst."""
