"""The life of an operation: durable workflows that apply, restore, halt and resume; the worker process.

Start at `worker.run_worker`. `phases` does the work, `dbos_engine` makes it durable, `port` is the interface between them.
"""
