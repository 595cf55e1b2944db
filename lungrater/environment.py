"""One typed reader of the environment; a secret may also stand in the file that `X_FILE` names."""

import environ

env = environ.FileAwareEnv()
