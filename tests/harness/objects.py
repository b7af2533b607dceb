"""A real S3 server: SeaweedFS in one process on loopback, with a bucket and a person who may use it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from harness.server import free_port
from harness.waiting import PATIENCE_S

KEY, SECRET = "otumat", "not/a+secret="


@dataclass(frozen=True)
class Bucket:
    """A bucket on a running S3 server."""

    endpoint: str
    name: str
    client: Any

    def files_url(self, prefix: str) -> str:
        """What the index is told."""
        return f"s3://{KEY}:{quote(SECRET, safe='')}@{self.name}/{prefix}?endpoint={self.endpoint}"

    def digests(self, prefix: str) -> dict[str, str]:
        """sha256 by key of everything below a prefix."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=f"{prefix}/")
        keys = [each["Key"] for page in pages for each in page.get("Contents", ())]
        bodies = {key: self.client.get_object(Bucket=self.name, Key=key)["Body"].read() for key in keys}
        return {key.removeprefix(f"{prefix}/"): hashlib.sha256(body).hexdigest() for key, body in bodies.items()}


@contextmanager
def s3_server(folder: Path) -> Iterator[Bucket]:
    """Start one over a scratch folder; it ends with the block."""
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    person = {"name": "index", "credentials": [{"accessKey": KEY, "secretKey": SECRET}], "actions": actions}
    (folder / "s3.json").write_text(json.dumps({"identities": [person]}))
    endpoint = f"http://127.0.0.1:{(port := free_port())}"
    with (folder / "weed.log").open("wb") as log:
        process = subprocess.Popen(command(folder, port), stdout=log, stderr=subprocess.STDOUT, cwd=folder)
        try:
            yield await_bucket(endpoint, process, folder / "weed.log")
        finally:
            process.kill()  # nothing of it is kept; asked politely it takes its time
            process.wait()


def command(folder: Path, port: int) -> list[str]:
    """Every part on a free port of loopback, and none that calls home."""
    parts = ("master", "volume", "filer")
    ports = [f"-{part}.port{kind}={free_port()}" for part in parts for kind in ("", ".grpc")]
    s3 = ["-s3", f"-s3.port={port}", f"-s3.port.grpc={free_port()}", f"-s3.config={folder / 's3.json'}"]
    here = [f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false", "-volume.max=20"]
    more = [
        "-master.volumeSizeLimitMB=64",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        f"-filer.localSocket={folder / 'f'}",
    ]
    return [str(Path(sys.executable).parent / "weed"), "server", *here, *ports, *s3, *more]


def await_bucket(endpoint: str, process: subprocess.Popen[bytes], log: Path) -> Bucket:
    """Make the bucket as soon as the server lets us, and see that it takes an object."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    patience = Config(connect_timeout=2, read_timeout=10, retries={"max_attempts": 0}, s3={"addressing_style": "path"})
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        region_name="us-east-1",
        config=patience,
    )
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            client.create_bucket(Bucket="packages")
            client.put_object(Bucket="packages", Key="probe", Body=b"probe")
            return Bucket(endpoint, "packages", client)
        except client.exceptions.BucketAlreadyExists:
            client.put_object(Bucket="packages", Key="probe", Body=b"probe")
            return Bucket(endpoint, "packages", client)
        except (BotoCoreError, ClientError) as exc:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the S3 server is not there:\n{log.read_text()[-4000:]}") from exc
            time.sleep(0.2)
