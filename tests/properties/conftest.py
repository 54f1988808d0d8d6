"""Settings of all property tests: a law does not break because the machine is busy."""

from hypothesis import settings

settings.register_profile("mainmode", deadline=None)
settings.load_profile("mainmode")
