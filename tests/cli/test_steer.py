"""`mainmode reload` and `mainmode log-level`."""

import logging

from mainmode.errors import PersonError, PolicyError
from tests.cli.conftest import Shell
from tests.cli.served import Stub


def test_reload(service: Shell) -> None:
    done = service("reload")
    assert (done.stdout, done.status) == ("policy 'test' assigned\n", 0)


def test_reloading_a_broken_policy_shows_every_mistake(service: Shell, stub: Stub) -> None:
    stub.refusal = PolicyError(
        [
            PersonError("unknown key 'nmae'", fix="did you mean name?", file="p.toml", line=2),
            PersonError("no filter list 'all'", file="p.toml", line=9),
        ]
    )
    done = service("reload")
    assert (done.stdout, done.status) == ("", 2)
    assert done.stderr == (
        "p.toml:2: unknown key 'nmae'\n  fix: did you mean name?\np.toml:9: no filter list 'all'\n"
    )


def test_log_level(service: Shell) -> None:
    try:
        done = service("log-level", "warning")
        assert (done.stdout, done.status) == ("log level is warning\n", 0)
        done = service("log-level", "loud")
        assert done.status == 2
        assert done.stderr == (
            "'loud' is no log level\n  fix: one of debug, info, warning, error\n"
        )
    finally:
        logging.getLogger("mainmode").setLevel(logging.NOTSET)
