"""What is kept: collected messages, proven coverage, runs and findings; all SQL about them."""
