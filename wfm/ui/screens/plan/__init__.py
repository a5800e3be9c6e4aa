"""The parts of the Plan screen: who, when, how, what the preview found, and the one action."""
