"""Where Django looks for the tables of the wiring."""

from lungrater.machines.models import MachineReading
from lungrater.monitoring.signs_of_life import SignOfLife
from lungrater.monitoring.worker_presence import WorkerPresence

__all__ = ["MachineReading", "SignOfLife", "WorkerPresence"]
