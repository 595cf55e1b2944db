"""From noise, or from an image, to an image: samplers, guidance, regions and seeds."""
