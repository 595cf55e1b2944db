"""A whole site as one file: its database, images, models and, sealed, its secret key; and back again."""
