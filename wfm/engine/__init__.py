"""The life of an operation: durable workflows that apply, restore, halt and resume; the worker process.

`worker.run_worker` is the way in. `phases` says what is done, `dbos_engine` makes it durable, `port` stands between.
"""
