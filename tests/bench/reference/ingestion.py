"""The ingestion of the pipeline as a Python function: B3's answer to a Parquet file, by pandas.

It represents the design that fetches and writes in one function. It requests pages, makes a data
frame of the rows, converts pt-BR numbers to floats, and uploads a Snappy file through a temporary
one. It checks nothing and keeps no copy of the answer.
"""

import base64
import json
import logging
import os
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import pandas as pd
import requests

logging.getLogger().setLevel(logging.INFO)
BUCKET = os.environ["S3_BUCKET"]
SEGMENT = os.environ["SEGMENT"]
PAGE_SIZE = int(os.environ["PAGE_SIZE"])
HTTP_TIMEOUT = int(os.environ["HTTP_TIMEOUT"])
FILE_NAME = os.environ["FILENAME"]
BASE_URL = os.environ["B3_BASE_URL"]


def ask(session: requests.Session, page: int) -> dict[str, Any]:
    request = {
        "language": "pt-br",
        "pageNumber": page,
        "pageSize": PAGE_SIZE,
        "index": "IBOV",
        "segment": SEGMENT,
    }
    encoded = base64.b64encode(json.dumps(request).encode()).decode()
    url = f"{BASE_URL}/indexProxy/indexCall/GetPortfolioDay/{encoded}"
    response = session.get(url, timeout=HTTP_TIMEOUT)
    response.raise_for_status()
    return response.json()


def fetch() -> pd.DataFrame:
    session, rows, portfolio_date = requests.Session(), [], None
    for page in range(1, 1000):
        answer = ask(session, page)
        if portfolio_date is None:
            text = answer["header"]["date"]
            portfolio_date = datetime.strptime(text, "%d/%m/%y").date()  # noqa: DTZ007 — no time in it
        results = answer.get("results") or []
        rows += results
        if len(results) < PAGE_SIZE:
            break
    frame = pd.DataFrame(rows)
    frame["DataCarteira"] = portfolio_date
    for column in ("part", "partAcum"):
        frame[column] = frame[column].str.replace(",", ".").astype(float)
    quantity = frame["theoricalQty"].astype(str)
    frame["theoricalQty"] = quantity.str.replace(".", "", regex=False).astype(float)
    return frame


def lambda_handler(event: Any, context: Any) -> dict[str, Any]:
    frame = fetch()
    partition = frame["DataCarteira"].iloc[0].strftime("date=%Y-%m-%d")
    key = f"raw/{partition}/{FILE_NAME}"
    path = Path(tempfile.gettempdir()) / FILE_NAME
    frame.to_parquet(path, index=False, compression="snappy")
    boto3.client("s3").upload_file(str(path), BUCKET, key)
    return {"statusCode": 200, "body": json.dumps({"s3_uri": f"s3://{BUCKET}/{key}"})}
