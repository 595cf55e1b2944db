"""What the audit sees of stacks beside their middle slices."""
