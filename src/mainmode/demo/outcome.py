"""How the demo fails."""


class DidNotHappen(Exception):
    """Something that the demo shows did not come about; the text says what."""
