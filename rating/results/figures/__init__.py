"""The figures, drawn by matplotlib from the numbers: no Django, and matplotlib is loaded only to draw."""
