"""Values and rules of the desk. No I/O; imports nothing of ours outside this folder."""
