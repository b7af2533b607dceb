"""A plugin of acme's host."""
