"""Maintenance Desk for Genesys Cloud WFM: take agents out of work for a window, and get every one back."""

__version__ = "0.1.0"
