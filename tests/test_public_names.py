import subprocess
import sys
from pathlib import Path

import pytest

import harness

PUBLIC = [
    "Adapter",
    "Capabilities",
    "Estimate",
    "Gap",
    "HarnessError",
    "ImageRef",
    "MetricResult",
    "Prediction",
    "Request",
    "Result",
    "Sample",
    "Status",
    "Task",
    "Verdict",
    "__version__",
    "score",
]


def test_the_public_names_are_exactly_these():
    assert sorted(harness.__all__) == PUBLIC
    for name in PUBLIC:
        assert getattr(harness, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = harness.nothing


def test_importing_the_package_imports_nothing_heavy():
    heavy = ("numpy", "pandas", "hydra", "mlflow", "sklearn", "scipy", "PIL")
    code = f"import sys, harness; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_python_started_in_a_checkout_finds_every_room():
    root = Path(__file__).parents[1]
    code = "import harness.adapters, harness.reports, harness.suites, harness.hydra_configs; print(harness.__file__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(root / "harness" / "__init__.py")
