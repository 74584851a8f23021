"""Octopods' API: the only room that knows HTTP and both documented shapes of an answer."""
