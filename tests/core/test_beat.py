"""What beat sends is what exists, and what exists is sent."""

from __future__ import annotations

import inspect
from importlib import import_module
from importlib.util import find_spec

from django.apps import apps

from campushub.celery import app

app.loader.import_default_modules()


def named() -> set[str]:
    """The names in the jobs modules of our apps."""
    modules = [f"{config.name}.jobs" for config in apps.get_app_configs() if find_spec(f"{config.name}.jobs")]
    return {
        value
        for module in modules
        for name, value in vars(import_module(module)).items()
        if name.isupper() and isinstance(value, str)
    }


def ours() -> set[str]:
    return {name for name in app.tasks if not name.startswith("celery.")}


def test_every_name_has_its_task_and_every_task_its_name() -> None:
    assert ours() == named()


def test_every_task_without_arguments_is_on_the_schedule() -> None:
    # Those with arguments are asked for by the outbox, about one thing each.
    without = {name for name in ours() if not inspect.signature(app.tasks[name].run).parameters}
    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}

    assert without == scheduled


def test_what_waited_too_long_for_a_worker_is_dropped_because_the_next_tick_does_it() -> None:
    for name, entry in app.conf.beat_schedule.items():
        assert entry.get("options", {}).get("expires"), name


def test_a_task_is_ended_before_the_broker_would_hand_it_out_again_and_a_lost_one_is_soon_handed_out() -> (
    None
):
    handed_out_again = app.conf.broker_transport_options["visibility_timeout"]
    assert app.conf.task_soft_time_limit < app.conf.task_time_limit < handed_out_again
    # A worker that was killed with its machine gives nothing back: until then nobody has its task.
    assert handed_out_again - app.conf.task_time_limit <= 900
    assert app.conf.task_acks_late
    assert app.conf.task_reject_on_worker_lost
    assert app.conf.worker_prefetch_multiplier == 1
    assert list(app.conf.accept_content) == ["json"]
