import subprocess
import sys

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
    try:
        harness.nothing  # noqa: B018
    except AttributeError as error:
        assert "no attribute 'nothing'" in str(error)
    else:
        raise AssertionError("no AttributeError")


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, harness; print([m for m in ('numpy', 'pandas', 'hydra', 'mlflow', 'sklearn', 'scipy', 'PIL') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
