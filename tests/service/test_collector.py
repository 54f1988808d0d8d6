"""The collector looks at what is new, and leaves alone what a full run has found in use."""

import gc

from mainmode.service.collector import tame_collector


def test_what_stands_at_the_start_is_set_aside() -> None:
    tame_collector()
    assert gc.get_freeze_count() > 1_000


def test_what_a_full_run_leaves_is_set_aside() -> None:
    tame_collector()
    before = gc.get_freeze_count()
    kept = [[number] for number in range(5_000)]
    gc.collect(1)
    assert gc.get_freeze_count() - before < len(kept), "only a full run tells"
    gc.collect()
    assert gc.get_freeze_count() - before >= len(kept)


def test_taming_it_twice_changes_nothing() -> None:
    tame_collector()
    callbacks = list(gc.callbacks)
    tame_collector()
    assert gc.callbacks == callbacks
