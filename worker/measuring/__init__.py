"""Measures a network: built, trained shortly and watched."""
