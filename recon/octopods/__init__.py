"""Octopods' API: the only package that uses HTTP and knows both documented shapes of an answer."""
