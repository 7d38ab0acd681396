"""Backends: IR to host code."""
