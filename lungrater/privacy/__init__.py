"""What a person may ask of the site about themselves: their data, and to be erased; and what the clock erases."""
