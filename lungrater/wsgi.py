import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lungrater.settings")
# A page may not wait for the database as long as a job may.
os.environ["LUNGRATER_IS_WEB"] = "1"

application = get_wsgi_application()
