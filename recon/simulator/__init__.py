"""A simulated Octopods on loopback, and the demo's day with known discrepancies."""
