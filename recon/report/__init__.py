"""The output of runs for people and scripts: files, pages, summaries, tables."""
