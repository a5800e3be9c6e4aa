"""The launcher: `streamlit run app.py` serves the desk. An ASGI app around wfm/ui/main.py.

Its lifespan starts what the desk needs beside itself (the demo tenant, a worker) and stops what it started.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

ROOT = Path(__file__).resolve().parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

import anyio.to_thread  # noqa: E402
import streamlit as st  # noqa: E402
import uvicorn  # noqa: E402
from streamlit import config  # noqa: E402

from wfm import launcher  # noqa: E402
from wfm.domain.errors import DeskError  # noqa: E402
from wfm.domain.text import InertFormatter  # noqa: E402
from wfm.settings import load  # noqa: E402
from wfm.ui.components.messages import script_error  # noqa: E402
from wfm.ui.shell import context  # noqa: E402
from wfm.ui.shell.web import door  # noqa: E402
from wfm.ui.shell.web.routes import ROUTES  # noqa: E402
from wfm.ui.warm import warm  # noqa: E402


def abort(sentence: str) -> NoReturn:
    """End the start with a sentence, without the traceback that the web server would log."""
    logging.getLogger("uvicorn.error").disabled = True
    print(f"The desk does not start: {sentence}", file=sys.stderr, flush=True)  # noqa: T201
    sys.exit(1)


def end_well_at_ctrl_c() -> None:
    """Exit with 0 after a clean stop, because Ctrl-C is how the desk is stopped. A second Ctrl-C stops at once.

    uvicorn would raise the signal again at the end, and Streamlit would report that as “Aborted!”.
    """
    as_ever = signal.getsignal(signal.SIGINT)
    server = getattr(as_ever, "__self__", None)
    if not isinstance(server, uvicorn.Server) or threading.current_thread() is not threading.main_thread():
        return

    def stop(number: int, frame: FrameType | None) -> None:
        if server.should_exit:
            server.handle_exit(number, frame)
        server.should_exit = True

    signal.signal(signal.SIGINT, stop)


if logging.lastResort is not None:  # the handler of the dashboard's own log lines
    logging.lastResort.setFormatter(InertFormatter())

try:
    settings = load()
except DeskError as error:
    abort(str(error))


@contextlib.asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Run demo tenant and worker for as long as the dashboard runs; a failed start ends with a sentence."""
    end_well_at_ctrl_c()
    beside = launcher.started(settings)
    try:
        await anyio.to_thread.run_sync(beside.__enter__)
    except DeskError as error:
        abort(str(error))
    except OSError as error:
        abort(f"WFM_DATA_DIR, the folder “{settings.data_dir}”, can't be used: {error.strerror}.")
    address, port = config.get_option("server.address") or "127.0.0.1", config.get_option("server.port")
    print(f"The desk is at http://{address}:{port}", flush=True)  # noqa: T201
    threading.Thread(target=warm, name="warm", daemon=True).start()
    try:
        yield
    finally:
        try:
            context.close()
            await anyio.to_thread.run_sync(beside.__exit__, None, None, None)
        except Exception:
            logging.getLogger(__name__).exception("The desk did not stop as it should")
            sys.exit(1)


app = st.App(
    ROOT / "wfm" / "ui" / "main.py",
    secrets=settings.auth_secrets() or None,
    routes=list(ROUTES),
    middleware=door.middleware(oidc_configured=settings.oidc_configured, redirect_uri=settings.oidc_redirect_uri),
    lifespan=lifespan,
    on_script_error=script_error,
)
