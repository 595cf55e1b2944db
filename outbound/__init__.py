"""Everything that leaves for another machine: deadlines, byte limits, an address guard, retry and throttle. Plain."""
