"""File formats in and out: imports of runs, tables of agents, exports, PLAN.json. Pure: bytes and texts in, values out."""
