"""`lungrater up`: the whole site on this machine, until Ctrl-C."""

from __future__ import annotations

import contextlib
import signal
import socket
import time
from argparse import BooleanOptionalAction
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connections

from accounts.sign_in.login_links import demo_links
from generation.training.bundled_checkpoints import register_shipped
from lungrater.embedded import lock, site
from lungrater.embedded.home import Home
from lungrater.embedded.migrate import migrate_if_needed
from lungrater.embedded.running import STOP_SIGNALS, STOP_WITHIN, exit_on_signals, start_servers
from lungrater.embedded.supervisor import Supervisor
from lungrater.monitoring.health import workers_that_answer
from lungrater.monitoring.signs_of_life import BEAT, SignOfLife
from lungrater.monitoring.site_state import ESSENTIAL, site_state

# A busy or slow machine takes minutes; what ends while it starts is told at once.
ANSWER_WITHIN = 300.0
# Longer than gunicorn's graceful timeout; with the servers' own time after it, all is gone within ten seconds.
FINISH_WITHIN = 4.5


class Command(BaseCommand):
    help = "Start the site on this machine: database, broker, web, workers and clock. Ctrl-C stops it all."
    # They read every page's code, as the web server does: `start_site` runs them while it starts.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on (default: %(default)s)")
        parser.add_argument(
            "--workers",
            type=int,
            default=1,
            help="how many workers that sample models, and how many that train, beside the one for all else (default: %(default)s)",
        )
        parser.add_argument(
            "--demo", action=BooleanOptionalAction, default=True, help="load the demo on the first start"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        host, port, workers = options["host"], options["port"], options["workers"]
        try:
            self.run(host, port, workers=workers, with_demo=options["demo"])
        except SystemExit:
            self.say("Stopped. Nothing is lost: the same command brings the same site back.")

    def run(self, host: str, port: int, *, workers: int, with_demo: bool) -> None:
        home = Home.from_environment()
        home.prepare()
        with contextlib.ExitStack() as stack:
            stack.enter_context(exit_on_signals())
            stack.enter_context(lock.starter(home, who="lungrater up"))
            listener = stack.enter_context(site.listening(host, port))
            url = site.url(host, listener)
            lock.announce(home, url)
            supervisor = Supervisor(logs=home.logs, register=home.run / "processes.json")
            stack.callback(self.stop, supervisor)

            self.say(
                f"Starting in {home.root}; a first start, which makes the database, takes a minute or two …"
            )
            start_servers(supervisor, home)
            if migrate_if_needed():
                self.say("Database tables are up to date.")
            register_shipped()
            self.start_site(supervisor, home, host, listener, workers=workers, with_demo=with_demo)
            self.stdout.write(
                welcome(
                    *(url, home),
                    people=demo_links(url) if with_demo else [],
                    demo=demo_in_words() if with_demo else "",
                )
            )
            connections.close_all()
            self.watch(supervisor)

    def start_site(
        self,
        supervisor: Supervisor,
        home: Home,
        host: str,
        listener: socket.socket,
        *,
        workers: int,
        with_demo: bool,
    ) -> None:
        """Web first, so that its page answers early; then those who work behind it, whom the demo awaits as they come."""
        env = site.environment(home, host)
        web = site.web(listener, env)
        supervisor.start(web)
        self.check(display_num_errors=False)
        supervisor.wait_until_answers(web, seconds=ANSWER_WITHIN)
        self.say(f"{site.url(host, listener)} answers; starting the workers …")
        behind = [
            site.light_worker(env, present=lambda name: is_present(name) and is_served(ESSENTIAL)),
            *(
                worker(number, env, present=is_present)
                for number in range(1, workers + 1)
                for worker in (site.sampling_worker, site.training_worker)
            ),
            site.beat(home, env, ticks=has_ticked),
        ]
        for service in behind:
            supervisor.start(service)
        if with_demo:
            self.load_demo()
        supervisor.wait_until_answers(*behind, seconds=ANSWER_WITHIN)

    def load_demo(self) -> None:
        from lungrater.demo import build

        build.load()

    def watch(self, supervisor: Supervisor) -> None:
        while True:
            for line in supervisor.mend():
                self.say(line)
            time.sleep(0.2)

    def stop(self, supervisor: Supervisor) -> None:
        """First those who use the servers, then the servers; a second Ctrl-C changes nothing about that."""
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        supervisor.stop(*supervisor.names() - {"postgres", "redis"}, seconds=FINISH_WITHIN)
        supervisor.stop(*supervisor.names(), seconds=STOP_WITHIN)

    def say(self, line: str) -> None:
        # A closed terminal must not keep the children from being stopped.
        with contextlib.suppress(OSError):
            self.stdout.write(line)
            self.stdout.flush()


def is_present(name: str) -> bool:
    return name in workers_that_answer()


def is_served(queue: str) -> bool:
    return site_state().queues[queue].has_worker


def has_ticked(since: float) -> bool:
    """Whether the clock has handed out anything since this second of the epoch."""
    sign = SignOfLife.objects.filter(part=BEAT).first()
    return sign is not None and sign.at.timestamp() >= since - 1


def demo_in_words() -> str:
    """What of the demo is still to come; nothing once all is there."""
    from lungrater.demo.progress import progress

    now = progress()
    return now.sentence if now else ""


def welcome(url: str, home: Home, *, people: list[tuple[str, str]], demo: str) -> str:
    """The one screen a person needs."""
    width = max((len(who) for who, _ in people), default=0)
    lines = ["", f"LungRater runs at {url}", ""]
    if people:
        lines += ["Open one of these to sign in:"]
        lines += [f"  {who:<{width}}  {link}" for who, link in people]
        lines += ["", demo] if demo else []
        lines += [""]
    else:
        lines += [
            "To make an account and a link that signs it in: lungrater person EMAIL --role researcher",
            "",
        ]
    lines += [f"Data and logs lie in {home.root}.", "Ctrl-C stops it; the same command brings it back.", ""]
    return "\n".join(lines)
