"""gunicorn's own lines, as the site's others look and without what must not stand in them."""

from __future__ import annotations

import logging
import re
from typing import Any

from gunicorn.glogging import Logger

from lungrater.environment import env
from lungrater.logs import AsJson, AsLine

OF_NO_REQUEST = "Invalid request from ip="
QUOTATION = re.compile(r"['\"]")


class WebLog(Logger):  # type: ignore[misc]  # gunicorn has no types
    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        is_json = env.str("LOG_FORMAT", default="line") == "json"
        lines: logging.Formatter = AsJson() if is_json else AsLine(self.error_fmt, self.datefmt)
        for handler in self.error_log.handlers:
            handler.setFormatter(lines)

    def warning(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """gunicorn quotes what it cannot read of a request: an address with its token, or a remark."""
        line = QUOTATION.split(msg, 1)[0] if msg.startswith(OF_NO_REQUEST) else msg
        super().warning(line, *args, **kwargs)
