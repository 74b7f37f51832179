"""Compile the project's programs for chips that are not here, and count what comes out."""
