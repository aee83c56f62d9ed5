"""The reader on real answers of two MedGemma models to 5,577 questions each."""

import json
import time
from pathlib import Path

import pytest

from harness.parsing import read
from harness.types import Status, Task

ANSWERS = Path(__file__).parents[1] / "../shared/data/flare26_medgemma"
TASKS = {
    "disease_diagnosis_classification": Task.CLASSIFICATION,
    "multi_label_classification": Task.MULTILABEL,
    "cell_counting": Task.COUNTING,
    "detection": Task.DETECTION,
    "report_generation": Task.CAPTION,
}

pytestmark = pytest.mark.skipif(
    not ANSWERS.is_dir(), reason="the real answers (../shared/data/flare26_medgemma) are not on this machine"
)


@pytest.mark.parametrize("model", ["flare-medgemma-base", "flare-medgemma1-base"])
def test_every_answer_gets_a_status_and_a_rule(model):
    lines = (ANSWERS / model / "validation_public_predictions.jsonl").read_text(encoding="utf-8").splitlines()
    asked = [json.loads(line) for line in lines]
    started = time.process_time()
    answers = [read(TASKS[row["task_type"]], row["prediction"], choices=tuple("ABCDEFGH")) for row in asked]
    assert time.process_time() - started < 5.0
    assert len(answers) == 5577
    assert all(answer.rule and isinstance(answer.status, Status) for answer in answers)
    counts = [answer for row, answer in zip(asked, answers, strict=True) if row["task_type"] == "cell_counting"]
    assert all(answer.value is None or 0 <= answer.value < 10**12 for answer in counts)
    assert sum(answer.status is Status.OK for answer in counts) >= 90
