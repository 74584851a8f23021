"""What people and scripts get to see of a run: files, a page, a summary, a table."""
