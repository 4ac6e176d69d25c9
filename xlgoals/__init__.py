"""xlgoals: budget performance-goal forms (绩效目标表) with Excel as the interface."""

__version__ = "0.1.0"
