import subprocess
import sys
from pathlib import Path

import pytest

from catalog.vision.torchvision_compat import import_open_clip

pytest.importorskip("torch")


def test_it_imports_open_clip_with_a_working_torchvision():
    open_clip = import_open_clip()
    assert "ViT-B-32" in open_clip.list_models()
    assert sys.modules["torchvision"].transforms.CenterCrop is not None


def test_it_may_be_asked_again():
    assert import_open_clip() is import_open_clip()


def test_it_says_what_to_install_where_torch_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(ImportError, match=r"lacks torchvision: install requirements\.txt"):
        import_open_clip()


def test_serving_an_exported_encoder_loads_no_torch():
    code = "import sys, catalog.vision.features; print('torch' in sys.modules, 'django' in sys.modules)"
    root = Path(__file__).parents[3]
    run = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False"]
