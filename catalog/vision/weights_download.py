"""Weights from the Hugging Face hub, brought here so that an interrupted download goes on where it stopped.

huggingface_hub 2 throws away what it has when its process ends. Files lie in its own cache as it lays them out,
so that open_clip finds them there.
"""

from pathlib import Path

from httpx2 import HTTPError
from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
from huggingface_hub.errors import EntryNotFoundError
from huggingface_hub.file_download import http_get, repo_folder_name
from huggingface_hub.utils._headers import build_hf_headers

DEFAULT_FILE = "open_clip_pytorch_model.bin"
DEFAULT_SAFE_FILE = "open_clip_model.safetensors"


def fetch_weights(path: str) -> None:
    """Bring a file, REPOSITORY/FILE or REPOSITORY/ for the default one, into the cache, with a progress bar.

    Raises OSError where the hub cannot be reached or answers with an error; what had come by then is kept.
    """
    repository, _, name = path.rpartition("/")
    for candidate in _in_order(name or DEFAULT_FILE):
        if isinstance(try_to_load_from_cache(repository, candidate), str):
            return
        try:
            _fetch(repository, candidate)
        except EntryNotFoundError:
            continue
        except HTTPError as error:
            raise OSError(str(error)) from error
        return
    raise FileNotFoundError(f"{repository} has no {name or DEFAULT_FILE}")


def _in_order(name: str) -> list[str]:
    """Return the files that open_clip would take for one, the best first (`open_clip.pretrained`)."""
    if name == DEFAULT_FILE:
        return [DEFAULT_SAFE_FILE, name]
    if name.endswith((".bin", ".pth")):
        return [f"{name[:-4]}.safetensors", name]
    return [name]


def _fetch(repository: str, name: str) -> None:
    url = hf_hub_url(repository, name)
    metadata = get_hf_file_metadata(url)
    folder = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repository, repo_type="model") / "blobs"
    folder.mkdir(parents=True, exist_ok=True)
    whole, partial = (folder / f"{metadata.etag}{ending}" for ending in ("", ".partial"))
    if whole.exists():
        return
    with partial.open("ab") as file:
        http_get(
            url,
            file,
            resume_size=file.tell(),
            headers=build_hf_headers(),
            expected_size=metadata.size,
            displayed_filename=name,
        )
    partial.rename(whole)
