"""The stored data: collected messages, proven coverage, runs and findings, with all its SQL."""
