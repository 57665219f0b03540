"""Assigners and anchor generators."""
