"""What keeps a development install from running, said so that the reader knows what to do."""


class EmbeddedError(Exception):
    """The command cannot go on; the message is for the person at the terminal."""
