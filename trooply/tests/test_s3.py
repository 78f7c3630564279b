"""Pictures in a bucket instead of a folder, on a real S3 server on loopback."""

import boto3
import pytest
import requests
from moto.server import ThreadedMotoServer


@pytest.fixture
def bucket(monkeypatch, settings):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    bucket = boto3.resource("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(Bucket="pictures")
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": settings.S3_OPTIONS
            | {"bucket_name": "pictures", "endpoint_url": endpoint, "region_name": "us-east-1"},
        }
    }
    yield bucket
    server.stop()


def test_pictures_are_kept_and_served_by_the_bucket(bucket, owner, index, django_capture_on_commit_callbacks):
    index(a=(255, 0, 0))
    stored = list(bucket.objects.all())
    assert len(stored) == 1
    assert stored[0].key.endswith(".jpg")
    assert stored[0].get()["CacheControl"] == "public, max-age=31536000, immutable"
    address = owner.client.get("/v1/products/a").json()["images"][0]["thumbnail_url"]
    assert requests.get(address, timeout=5).content == stored[0].get()["Body"].read()
    with django_capture_on_commit_callbacks(execute=True):
        owner.client.delete("/v1/products/a")
    assert list(bucket.objects.all()) == []
