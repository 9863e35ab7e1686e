"""Shared fixtures: tiny, and made by the project."""
