"""The Failures screen: groups of runs that failed for one cause, each with its fix."""
