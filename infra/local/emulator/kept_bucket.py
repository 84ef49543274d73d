"""A bucket whose objects are files, so that they outlive the emulator.

An object lies in the folder under its key from the moment in which its write is answered, and the
next emulator begins with what lies there. What cannot be written is refused, as S3 refuses in
trouble: with 500. User metadata of an object lies in `.ibov/metadata/` of the folder, named after
the object's ETag, so that it can never belong to another content of the same key.

Only the prefixes in KEPT are kept. Results of queries are not; neither is the note that a date
failed, because the request that waits beside it ends with the emulator's queues. Old versions and
delete markers of a versioned bucket are not kept either.

Partitions of a table are not kept: when a stack creates a table over the bucket, they are
registered as the folders are found. Athena reads the files where they lie.

Patches the handlers of `AWS::S3::Bucket` and `AWS::Glue::Table` in
`ministack.services.cloudformation.provisioners`, and `_materialize_table_files` in
`ministack.services.athena`. Uses `_buckets` of `ministack.services.s3`, `_tables` and `_partitions`
of `ministack.services.glue`.
"""

import datetime
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from ministack.core.responses import get_account_id
from ministack.services import athena, glue, s3
from ministack.services.cloudformation import provisioners

import athena_projection
import pinned
from settings import Settings

JSON = dict[str, Any]

KEPT = ("landing/", "rejected/", "raw/", "refined/", "control/refine/done/")
# In the folder, but no objects.
PRIVATE = ".ibov"


def install(settings: Settings) -> None:
    pinned.require(provisioners, "_RESOURCE_HANDLERS")
    pinned.require(athena, "_materialize_table_files")
    pinned.require(s3, "_buckets")
    pinned.require(glue, "_tables", "_partitions")
    if settings.kept_bucket is None:
        return
    name, folder = settings.kept_bucket
    wrap_creation("AWS::S3::Bucket", lambda created, _: keep(created, name, folder))
    wrap_creation("AWS::Glue::Table", lambda _, properties: register(properties, name))
    materialize_others = athena._materialize_table_files

    def files(location: str, folders: list[str]) -> list[str]:
        parsed = urlparse(location)
        objects = kept_objects(parsed.netloc)
        if objects is None:
            return materialize_others(location, folders)
        return objects.files_below(parsed.path.strip("/"))

    athena._materialize_table_files = files


def wrap_creation(resource_type: str, then: Any) -> None:
    handlers = provisioners._RESOURCE_HANDLERS[resource_type]
    create_only = handlers["create"]

    def create(logical_id: str, properties: JSON, stack: str) -> tuple[str, JSON]:
        physical_id, attributes = create_only(logical_id, properties, stack)
        then(physical_id, properties)
        return physical_id, attributes

    provisioners._RESOURCE_HANDLERS[resource_type] = {**handlers, "create": create}


def keep(created: str, name: str, folder: Path) -> None:
    if created == name:
        s3._buckets[name]["objects"] = KeptObjects(folder)


def kept_objects(bucket: str) -> "KeptObjects | None":
    objects = (s3._buckets.get(bucket) or {}).get("objects")
    return objects if isinstance(objects, KeptObjects) else None


def folder_of(location: str) -> Path | None:
    """The folder with the objects of the location's bucket, if that is the kept one."""
    objects = kept_objects(urlparse(location).netloc)
    return objects.folder if objects is not None else None


class FileObject(dict[str, Any]):
    """An object of an earlier emulator. What its file says is read when it is asked for, because
    most objects of a large bucket never are."""

    def __init__(self, file: Path, metadata: Path) -> None:
        super().__init__(
            content_type="binary/octet-stream",
            content_encoding=None,
            preserved_headers={},
            storage_class="STANDARD",
            checksums={},
        )
        self._file, self._metadata = file, metadata

    def __missing__(self, field: str) -> Any:
        if field == "body":
            # Not remembered: all bodies together may be large.
            return self._file.read_bytes()
        if field == "etag":
            self[field] = etag(self._file.read_bytes())
        elif field == "size":
            self[field] = self._file.stat().st_size
        elif field == "last_modified":
            at = datetime.datetime.fromtimestamp(self._file.stat().st_mtime, datetime.UTC)
            self[field] = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"
        elif field == "metadata":
            self[field] = read_metadata(self._metadata, self["etag"])
        else:
            raise KeyError(field)
        return self[field]

    def get(self, field: str, default: Any = None) -> Any:
        try:
            return self[field]
        except KeyError:
            return default


class KeptObjects(dict[str, JSON]):
    """The objects of the bucket by their keys."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self._metadata = folder / PRIVATE / "metadata"
        self._temporary = folder / PRIVATE / "tmp"
        # What a crash left half written.
        shutil.rmtree(self._temporary, ignore_errors=True)
        self._temporary.mkdir(parents=True)
        self._names_by_folder: dict[str, set[str]] = defaultdict(set)
        for prefix in KEPT:
            for key in keys_below(folder, prefix.rstrip("/")):
                super().__setitem__(key, FileObject(folder / key, self._metadata / key))
                self._remember(key)

    def __setitem__(self, key: str, record: JSON) -> None:
        if key.startswith(KEPT):
            self._write(key, record)
        super().__setitem__(key, record)
        self._remember(key)

    def __delitem__(self, key: str) -> None:
        if key.startswith(KEPT):
            self._remove(key)
        super().__delitem__(key)
        parent, _, name = key.rpartition("/")
        self._names_by_folder[parent].discard(name)

    def pop(self, key: str, *default: Any) -> Any:
        if key not in self:
            return super().pop(key, *default)
        record = self[key]
        del self[key]
        return record

    def setdefault(self, key: str, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError("objects of a kept bucket are written one by one")

    clear = popitem = update  # type: ignore[assignment]

    def files_below(self, prefix: str) -> list[str]:
        """The files that Athena reads in a location."""
        return [
            str(self.folder / key)
            for key in self.keys_in(prefix)
            if not athena._hidden(key[len(prefix) + 1 :])
        ]

    def keys_in(self, folder: str) -> list[str]:
        names = self._names_by_folder.get(folder)
        if names:
            return [f"{folder}/{name}" for name in sorted(names)]
        return sorted(key for key in list(self) if key.startswith(f"{folder}/"))

    def folders_below(self, prefix: str) -> list[str]:
        """The folders that hold objects."""
        folders = self._names_by_folder.items()
        return sorted(folder for folder, names in folders if names and folder.startswith(prefix))

    def _remember(self, key: str) -> None:
        parent, _, name = key.rpartition("/")
        if name:
            self._names_by_folder[parent].add(name)

    def _path(self, key: str) -> Path:
        if any(part in ("", ".", "..") for part in key.split("/")):
            raise OSError(f"object {key!r} has no place in a folder")
        return self.folder / key

    def _write(self, key: str, record: JSON) -> None:
        file = self._path(key)
        metadata = self._metadata / key
        if record["metadata"]:
            # Before the object, which is not complete without it.
            named = metadata / metadata_name(record["etag"])
            self._replace(named, json.dumps(record["metadata"]).encode())
        self._replace(file, record["body"])
        for other in metadata.glob("*.json"):
            if other.name != metadata_name(record["etag"]):
                other.unlink()

    def _replace(self, file: Path, content: bytes) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=self._temporary)
        try:
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(content)
                opened.flush()
                # A power failure must not leave an empty file under a name that says it is whole.
                os.fsync(descriptor)
            os.replace(temporary, file)
        except BaseException:
            os.unlink(temporary)
            raise

    def _remove(self, key: str) -> None:
        file = self._path(key)
        file.unlink(missing_ok=True)
        shutil.rmtree(self._metadata / key, ignore_errors=True)
        for parent in file.parents:
            if parent == self.folder or any(parent.iterdir()):
                break
            parent.rmdir()


def keys_below(root: Path, folder: str) -> Iterator[str]:
    try:
        entries = list(os.scandir(root / folder))
    except FileNotFoundError:
        return
    for entry in entries:
        key = f"{folder}/{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            yield from keys_below(root, key)
        else:
            yield key


def etag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


def metadata_name(of: str) -> str:
    return of.strip(chr(34)) + ".json"


def read_metadata(folder: Path, of: str) -> JSON:
    try:
        return json.loads((folder / metadata_name(of)).read_bytes())
    except FileNotFoundError:
        return {}


def register(properties: JSON, bucket: str) -> None:
    """Registers the partitions of a new table whose data lie in the kept bucket."""
    table_input = properties.get("TableInput") or {}
    name = f"{properties.get('DatabaseName')}/{table_input.get('Name')}"
    table = glue._tables.get(name)
    location = urlparse((table or {}).get("StorageDescriptor", {}).get("Location", ""))
    objects = kept_objects(bucket)
    if table is None or objects is None or location.netloc != bucket:
        return
    if not table.get("PartitionKeys") or athena_projection.is_projected(table):
        return
    now = int(time.time())
    glue._partitions[name] = [
        {
            "Values": values,
            "StorageDescriptor": {
                **table["StorageDescriptor"],
                "Location": f"s3://{bucket}/{folder}/",
            },
            "DatabaseName": properties.get("DatabaseName"),
            "TableName": table_input.get("Name"),
            "CreationTime": now,
            "LastAccessTime": now,
            "CatalogId": get_account_id(),
        }
        for folder in objects.folders_below(location.path.strip("/") + "/")
        if (values := partition_values(folder, table, location.path.strip("/"))) is not None
    ]


def partition_values(folder: str, table: JSON, root: str) -> list[str] | None:
    """`refined/Data=2026-11-20/Setor=Petr%2FGás` → the two values; None for another folder."""
    parts = [part.partition("=") for part in folder[len(root) + 1 :].split("/")]
    names = [name.lower() for name, _, _ in parts]
    if names != [key["Name"].lower() for key in table["PartitionKeys"]]:
        return None
    return [unquote(value) for _, _, value in parts]
