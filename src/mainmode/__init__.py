"""mainmode: the Internet Key Exchange service, main mode and quick mode."""

__version__ = "0.1.0"
