"""Which of several generators looks more real, from comparisons two by two."""
