"""The people of the site, as its admins look after them."""
