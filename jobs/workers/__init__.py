"""What a worker does beside its job: which comes next, who runs it, its heartbeat, and the end of one that hangs."""
