"""Webhooks: delivered, signed, and never into a network of our own."""
