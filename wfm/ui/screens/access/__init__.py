"""The Access screen: what the token may do, lane by lane, and pasted errors explained."""
