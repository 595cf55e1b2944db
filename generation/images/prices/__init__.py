"""What the Images API costs: a table that a person can edit, and what a reply's tokens come to by it."""
