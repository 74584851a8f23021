"""Telling people and programs: mail servers, ping addresses, chat services."""
