"""Published networks as extractors: what each library calls its weights, and how it prepares an image for them."""
