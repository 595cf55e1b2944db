"""The blinding audit: what a program could tell the arms of a study apart by, without looking at lungs."""
