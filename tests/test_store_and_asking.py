import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from harness import Prediction, Request, Status
from harness.asking import ask as ask_questions
from harness.asking import sort_questions
from harness.errors import AdapterError, StoreError, TooManyFailuresError
from harness.executors import by_picture, local
from harness.store import Store, request_key


def ask(model, samples, store, executor, *, max_tokens=128, **settings):
    questions = sort_questions(model, samples, store, max_tokens=max_tokens)
    return ask_questions(model, questions, store, executor, **settings)


def test_an_answer_comes_back_as_it_was(tmp_path):
    said = Prediction("s1", 'text "quoted"\n', (-0.1, -2.5), (-0.3,), Status.TRUNCATED, 0.25, 7, "")
    with Store(tmp_path / "a.sqlite") as store:
        store.put("k", "m", said)
        assert store.find({"k": "s1"}) == {"k": said}
        assert store.find({"other": "s1"}) == {}


def test_a_second_run_asks_nothing(tmp_path, samples, instant_model):
    model = instant_model()
    with Store(tmp_path / "a.sqlite") as store:
        first = ask(model, samples(20), store, local)
        second = ask(model, samples(20), store, local)
    assert (first.n_asked, second.n_asked) == (20, 0)
    assert first.predictions == second.predictions
    assert len(model.asked) == 20


@pytest.mark.parametrize("change", ["prompt", "weights", "max_tokens", "choices", "picture"])
def test_whatever_changes_the_question_asks_anew(tmp_path, samples, instant_model, change):
    before = samples(3)
    after = before
    if change == "prompt":
        after = samples(3, prompt="another question")
    elif change == "choices":
        after = [replace(s, choices=("nevus", "melanoma")) for s in before]
    elif change == "picture":
        after = [replace(s, images=samples(9)[-1].images) for s in before[:1]]
    with Store(tmp_path / "a.sqlite") as store:
        ask(instant_model(), before, store, local)
        model = instant_model(version="2" if change == "weights" else "1")
        asked = ask(model, after, store, local, max_tokens=64 if change == "max_tokens" else 128)
    assert asked.n_asked == len(after)


def test_the_same_question_under_two_names_is_asked_once(tmp_path, samples, instant_model):
    one = samples(1)[0]
    model = instant_model()
    with Store(tmp_path / "a.sqlite") as store:
        asked = ask(model, [one, replace(one, id="twin")], store, local)
    assert model.asked == ["s0000"]
    assert [p.sample_id for p in asked.predictions] == ["s0000", "twin"]


def test_errors_are_kept_apart_and_asked_again(tmp_path, samples, instant_model):
    with Store(tmp_path / "a.sqlite") as store:
        first = ask(instant_model(fails_on=frozenset({"s0001"})), samples(4), store, local)
        second = ask(instant_model(), samples(4), store, local)
    assert [p.status for p in first.predictions] == [Status.OK, Status.ERROR, Status.OK, Status.OK]
    assert second.n_asked == 1
    assert {p.status for p in second.predictions} == {Status.OK}


def test_a_missing_picture_is_that_samples_error(tmp_path, samples, instant_model):
    broken = samples(3)
    broken[1] = replace(broken[1], images=(replace(broken[1].images[0], name="missing"),))
    with Store(tmp_path / "a.sqlite") as store:
        asked = ask(instant_model(), broken, store, local)
    assert [p.status for p in asked.predictions] == [Status.OK, Status.ERROR, Status.OK]
    assert "picture cannot be read" in asked.predictions[1].error


def test_fail_on_error_stops_and_keeps_what_was_answered(tmp_path, samples, instant_model):
    failing = instant_model(fails_on=frozenset(f"s{i:04d}" for i in range(10, 20)))
    with Store(tmp_path / "a.sqlite") as store:
        with pytest.raises(TooManyFailuresError, match=r"3 of 20 samples failed, more than fail_on_error=0.1 allows.*planted"):
            ask(failing, samples(20), store, local, fail_on_error=0.1)
        asked = ask(instant_model(), samples(20), store, local)
    assert asked.n_asked == 10


def test_a_model_that_skips_a_request_is_told_on(tmp_path, samples, instant_model):
    def lazy(adapter, requests):
        yield from adapter.predict(requests[:-1])

    with Store(tmp_path / "a.sqlite") as store:
        asked = ask(instant_model(), samples(3), store, lazy)
    assert asked.predictions[-1].status is Status.ERROR
    assert "gave no answer" in asked.predictions[-1].error


def test_a_failing_question_counts_for_every_sample_that_asks_it(tmp_path, samples, instant_model):
    one = samples(1)[0]
    twins = [replace(one, id=f"twin {i}") for i in range(3)]
    failing = instant_model(fails_on=frozenset({"twin 0"}))
    with Store(tmp_path / "a.sqlite") as store, pytest.raises(TooManyFailuresError, match="3 of 13 samples failed"):
        ask(failing, [*twins, *samples(11)[1:]], store, local, fail_on_error=0.2)


def test_an_answer_nobody_asked_for_is_refused(tmp_path, samples, instant_model):
    def chatty(adapter, requests):
        yield from adapter.predict(requests)
        yield Prediction("somebody else", "hello")

    with Store(tmp_path / "a.sqlite") as store, pytest.raises(AdapterError, match="'somebody else', which it was not asked"):
        ask(instant_model(), samples(2), store, chatty)


def test_a_missing_picture_is_not_from_the_store(tmp_path, samples, instant_model):
    broken = samples(2)
    broken[1] = replace(broken[1], images=(replace(broken[1].images[0], name="missing"),))
    with Store(tmp_path / "a.sqlite") as store:
        ask(instant_model(), broken, store, local)
        asked = ask(instant_model(), broken, store, local)
    assert (asked.n_asked, asked.n_from_store) == (0, 1)


def test_a_picture_that_stops_its_batch_is_the_trouble_of_its_own_samples(tmp_path, samples, instant_model):
    class Careless(instant_model):
        def predict(self, requests):
            for request in requests:
                if request.sample_id == "s0001":
                    request.images[0].load()  # raises OSError
                yield from super().predict([request])

    with Store(tmp_path / "a.sqlite") as store:
        asked = ask(Careless(), samples(4), store, local)
    assert [p.status for p in asked.predictions] == [Status.OK, Status.ERROR, Status.OK, Status.OK]
    assert "no picture behind this name" in asked.predictions[1].error


def test_a_file_that_is_no_store_is_named(tmp_path):
    (tmp_path / "a.sqlite").write_text("this is not a database, whatever its name says " * 50)
    with pytest.raises(StoreError, match=r"a\.sqlite cannot be opened.*store=FILE"):
        Store(tmp_path / "a.sqlite")


def test_the_key_does_not_depend_on_the_samples_name(samples):
    a, b = (Request(name, "q", samples(1)[0].images) for name in ("a", "b"))
    assert request_key("m", a) == request_key("m", b) != request_key("n", a)


def test_questions_about_one_picture_stay_together(samples):
    few = samples(5)
    requests = [Request(f"{task}{i}", task, s.images) for task in ("x", "y") for i, s in enumerate(few)]
    batches = list(by_picture(requests, 2))
    assert [[r.sample_id for r in batch] for batch in batches] == [
        ["x0", "y0", "x1", "y1"],
        ["x2", "y2", "x3", "y3"],
        ["x4", "y4"],
    ]


KILLED_RUN = """
import sys, time
sys.path.insert(0, {tests!r})
from conftest import InstantModel, make_samples
from harness.asking import ask, sort_questions
from harness.executors import local
from harness.store import Store

class Slow(InstantModel):
    def predict(self, requests):
        for prediction in super().predict(requests):
            time.sleep(0.002)
            yield prediction
            print(prediction.sample_id, flush=True)   # said only after the answer was stored

with Store({path!r}) as store:
    model = Slow()
    print("asked", ask(model, sort_questions(model, make_samples(200), store), store, local).n_asked, flush=True)
"""


@pytest.mark.parametrize("seed", range(4))
def test_a_killed_run_goes_on_where_it_stopped(tmp_path, samples, instant_model, seed):
    path = tmp_path / "a.sqlite"
    code = KILLED_RUN.format(tests=os.path.dirname(__file__), path=str(path))
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline()  # it has begun
    time.sleep(random.Random(seed).uniform(0.01, 0.3))
    process.send_signal(signal.SIGKILL)
    stored_before_the_kill = 1 + len([line for line in process.stdout.read().splitlines() if line.startswith("s")])
    process.wait()
    process.stdout.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    model = instant_model()
    with Store(path) as store:
        kept = len(store)
        asked = ask(model, samples(200), store, local)
    assert kept >= stored_before_the_kill
    assert asked.n_asked == len(model.asked) == 200 - kept
    assert [p.sample_id for p in asked.predictions] == [s.id for s in samples(200)]


def test_two_processes_share_a_store(tmp_path):
    code = KILLED_RUN.format(tests=os.path.dirname(__file__), path=str(tmp_path / "a.sqlite"))
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert all("asked" in text for text in said)
    with Store(tmp_path / "a.sqlite") as store:
        assert len(store) == 200
