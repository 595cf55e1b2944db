"""Which images a study draws: strata, sets, and what is left out."""
