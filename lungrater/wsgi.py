import os
import sys

from django.core.wsgi import get_wsgi_application
from django.db import Error, connections

from lungrater.embedded.home import CannotStartError
from lungrater.embedded.migrate import refuse_newer_tables

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lungrater.settings")
# A page may not wait for the database as long as a job may.
os.environ["LUNGRATER_IS_WEB"] = "1"

application = get_wsgi_application()


def refuse_to_serve_newer_tables() -> None:
    """End with a sentence where a newer version has been at the database; one that is away is waited for."""
    try:
        refuse_newer_tables()
    except CannotStartError as error:
        sys.exit(str(error))
    except Error:
        pass
    finally:
        connections.close_all()  # gunicorn forks after this, and a connection is one process's


refuse_to_serve_newer_tables()
