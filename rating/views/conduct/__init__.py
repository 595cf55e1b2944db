"""The conduct of a study: its members and raters, acts that cannot be undone, signatures, and its log."""
