"""The official Python SDK, imported once for all tests that hold the desk against it.

On import it reads ~/.genesyscloudpython/config and, on a thread of its own, watches the home folder with everything below
it: every file that any program writes there then costs this process time and memory, which tests of memory would count as
ours. So it is imported with a home that holds nothing but the setting that turns watching off; a developer's own
configuration of the SDK is not read either.
"""

from __future__ import annotations

import importlib
import os
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

with tempfile.TemporaryDirectory() as home, mock.patch.dict(os.environ, HOME=home):
    config = Path(home, ".genesyscloudpython", "config")
    config.parent.mkdir()
    config.write_text("[general]\nlive_reload_config = false\n", encoding="utf-8")
    sdk: Any = importlib.import_module("PureCloudPlatformClientV2")
    ApiException = importlib.import_module("PureCloudPlatformClientV2.rest").ApiException
