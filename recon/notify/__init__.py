"""Ways to notify people and programs: mail servers, ping addresses, chat services."""
