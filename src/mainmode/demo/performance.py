"""Plays the story on a stage, from the first act to the empty stage, whatever happens."""

import os
import shlex
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import mainmode
from mainmode.cli.outcome import Failed
from mainmode.demo import story
from mainmode.demo.outcome import DidNotHappen
from mainmode.demo.screen import Screen
from mainmode.demo.signals import end_on_signals, ignore_signals
from mainmode.demo.stage import Stage, raised_stage
from mainmode.demo.verdict import judge
from mainmode.diagnosis.capture import write_pcap
from mainmode.errors import DriverError, PersonError

ACTS = (
    ("Two hosts, one wire", story.introduce),
    ("A ping, and the SA it needs", story.ping_until_protected),
    ("What both have now", story.show_associations),
    ("What the wire saw", story.judge_wire),
    ("The same with a wrong key", story.fail_with_wrong_key),
    ("The whole capture", story.close_capture),
)


def perform(screen: Screen, packets: BinaryIO | None, *, keep: bool, own_users: bool) -> bool:
    """Whether all of it happened.

    packets: takes the capture as a pcap file.  keep: wait for a person before the end.
    own_users: this process is in a user namespace that others have to enter.
    """
    began = time.monotonic()
    end_on_signals()
    screen.gap()
    screen.say("Two hosts agree on keys by IKE, then ESP protects what they say.")
    with raised_stage() as stage:
        try:
            happened = all(_act(title, play, stage, screen) for title, play in ACTS)
            if packets is not None:
                write_pcap(packets, stage.capture.stop())
                packets.flush()
            seconds = time.monotonic() - began
            if keep:
                if happened:
                    happened = _act("The right key again", story.make_up, stage, screen)
                _wait_for_a_person(stage, screen, own_users=own_users)
            if happened:
                happened = _act("Taking it down", story.take_down, stage, screen)
        finally:
            ignore_signals()
    screen.gap()
    if packets is not None:
        screen.line(f"The packets of the wire: {packets.name}")
    if happened:
        screen.say(f"All of it happened, in {seconds:.1f} s.")
    else:
        screen.verdict(False, "Not all of it happened.")
    return happened


def _act(title: str, play: Callable[[Stage, Screen], None], stage: Stage, screen: Screen) -> bool:
    screen.heading(title)
    try:
        play(stage, screen)
    except (DidNotHappen, Failed, PersonError, DriverError) as why:
        _report(str(why), stage, screen)
        return False
    return True


def _report(why: str, stage: Stage, screen: Screen) -> None:
    """What did not happen, what the wire says to it, and the ends of the services' logs."""
    screen.gap()
    screen.verdict(False, why)
    for objection in judge(list(stage.capture.frames)).objections():
        screen.verdict(False, f"on the wire: {objection}")
    for service in stage.services:
        screen.gap()
        screen.line(f"{service.name}'s log:")
        screen.faint(service.log_tail())


def _wait_for_a_person(stage: Stage, screen: Screen, *, own_users: bool) -> None:
    """The hosts stay until Enter or a signal."""
    enter = "--user --preserve-credentials --net" if own_users else "--net"
    screen.heading("All yours")
    screen.say("Alice and bob go on. A shell in each:")
    for service in stage.services:
        screen.line(f"nsenter --target {service.pid} {enter} sh    # {service.name}")
    screen.gap()
    screen.say("Try there:")
    screen.line(f"ping {stage.bob.host.address}")
    for service in stage.services:
        screen.line(shlex.join((_launcher(), "show", "qmsas", "--control", str(service.control))))
    screen.gap()
    screen.say("The policies, for you to change (then `mainmode reload --control ...`):")
    for service in stage.services:
        screen.line(str(service.policy))
    screen.gap()
    if sys.stdin.isatty():
        screen.say("Enter or Ctrl-C takes all of it down.")
        with suppress(EOFError, SystemExit):
            input()
    else:
        screen.say(f"kill {os.getpid()} takes all of it down.")
        with suppress(SystemExit):
            signal.pause()


def _launcher() -> str:
    """The checkout's own command where this is one, the installed one elsewhere."""
    launcher = Path(mainmode.__file__).parents[2] / "mainmode"
    return str(launcher) if os.access(launcher, os.X_OK) and launcher.is_file() else "mainmode"
