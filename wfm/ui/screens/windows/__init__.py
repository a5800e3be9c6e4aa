"""The parts of the Now and Windows screens: a window as a card, its actions, its agents, its story."""
