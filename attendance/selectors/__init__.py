"""Reads of attendance across models: frozen dataclasses and querysets for the API, pages and admin alike."""
