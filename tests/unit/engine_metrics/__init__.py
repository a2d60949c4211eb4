"""Indicators against TA-Lib and against their definitions, through a partition as ticks."""
