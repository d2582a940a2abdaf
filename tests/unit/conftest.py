"""How hypothesis looks for counterexamples: as it does by default, but never against the clock."""

from hypothesis import settings

settings.register_profile("unit", deadline=None)
settings.load_profile("unit")
