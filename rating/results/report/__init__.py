"""The exhibits of a study: every figure and table, and the report that gathers them."""
