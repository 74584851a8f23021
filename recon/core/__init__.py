"""The pure part: calendar, numbers, statuses, coverage, frames, linking, judging.

Nothing here reads a clock, a file, a socket or a database.
"""
