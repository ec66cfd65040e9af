"""Sharing agreements: who may use what, for what, until when, and who may see what comes of it."""
