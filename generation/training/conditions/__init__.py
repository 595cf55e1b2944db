"""What a training run is told of its images beside their pixels: attributes and texts, by the pool or by a table."""
