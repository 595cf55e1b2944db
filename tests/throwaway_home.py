"""Loaded before Django's settings: the tests' home is a folder that goes away with them."""

import atexit
import os
import shutil
import tempfile

os.environ["LUNGRATER_HOME"] = home = tempfile.mkdtemp(prefix="lungrater-tests-")
os.environ.pop("STORAGE_URL", None)
atexit.register(shutil.rmtree, home, ignore_errors=True)
