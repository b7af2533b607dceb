"""
The process tree of `otumat-index serve`: one supervisor, N web workers, named jobs.

`supervisor` starts, restarts and stops; `worker` is one web process (uvicorn with the hot lane, the WSGI application
behind it); `bodies` keeps slow bodies away from the application's threads; `lifeline` ends a child whose parent is
gone. Children are fresh interpreters (`python -m otumat_index.processes …`), never forks.
"""

from otumat_index.processes.supervisor import Job, ServeFailed, serve
from otumat_index.processes.worker import WorkerSettings

__all__ = ["Job", "ServeFailed", "WorkerSettings", "serve"]
