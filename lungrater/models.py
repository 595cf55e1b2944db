"""Where Django looks for the tables of the wiring."""

from lungrater.machines.models import MachineReading

__all__ = ["MachineReading"]
