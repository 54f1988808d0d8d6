"""A forked child knows that it is another process."""

import os
import sys

from mainmode.driver.user.process import this_process


def test_it_is_the_kernels_number() -> None:
    assert this_process() == os.getpid()


def test_a_forked_child_has_its_own() -> None:
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os._exit(7 if this_process() == os.getpid() else 0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert this_process() == os.getpid() != child
