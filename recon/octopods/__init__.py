"""Octopods' API: the only package that knows HTTP and both documented shapes of an answer."""
