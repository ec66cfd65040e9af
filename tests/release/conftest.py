"""Drawn examples are judged by what they show, never by how long they take."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
