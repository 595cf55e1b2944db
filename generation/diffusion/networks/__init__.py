"""The networks, what they are told, the space that they work in, and their compiling."""
