import gc
import weakref

from experiments.studies.load.users import old_objects_left_alone


class _Cycle:
    def __init__(self):
        self.own = self


def test_a_client_under_way_collects_what_is_new_and_nothing_old():
    def made():
        return weakref.ref(_Cycle())

    gc.disable()
    try:
        frozen = gc.get_freeze_count()
        with old_objects_left_alone():
            assert gc.get_freeze_count() > frozen
            new = made()
            gc.collect()
            assert new() is None
        assert gc.get_freeze_count() <= frozen
    finally:
        gc.enable()
