"""The public Python client: asks what standard input names, line by line, and prints what came.

    python_probe.py grpc|rest HOST:PORT [TOKEN]

In:  {"method": "fetch_profiles", "request": {proto3 JSON}, "all": true}
Out: {"ok": {proto3 JSON}} or {"ok": [every page]} or {"error": {"class", "message", "reason"}}
"""

import json
import sys

import grpc
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import gkerecommender_v1 as api
from google.cloud.gkerecommender_v1.services.gke_inference_quickstart import transports

REQUESTS = {
    "fetch_models": api.FetchModelsRequest,
    "fetch_model_servers": api.FetchModelServersRequest,
    "fetch_model_server_versions": api.FetchModelServerVersionsRequest,
    "fetch_profiles": api.FetchProfilesRequest,
    "fetch_benchmarking_data": api.FetchBenchmarkingDataRequest,
    "generate_optimized_manifest": api.GenerateOptimizedManifestRequest,
}


def client(transport, where, compressed):
    if transport == "rest":
        return api.GkeInferenceQuickstartClient(
            transport="rest", client_options={"api_endpoint": f"http://{where}"},
            credentials=AnonymousCredentials())
    channel = grpc.insecure_channel(
        where, compression=grpc.Compression.Gzip if compressed else grpc.Compression.NoCompression)
    return api.GkeInferenceQuickstartClient(
        transport=transports.GkeInferenceQuickstartGrpcTransport(channel=channel))


def main():
    transport, where = sys.argv[1:3]
    metadata = [("authorization", f"Bearer {sys.argv[3]}")] if len(sys.argv) > 3 else []
    by_compression = {}
    for line in sys.stdin:
        ask = json.loads(line)
        compressed = ask.get("compressed", False)
        if compressed not in by_compression:
            by_compression[compressed] = client(transport, where, compressed)
        asked = REQUESTS[ask["method"]]
        try:
            answer = getattr(by_compression[compressed], ask["method"])(
                asked.from_json(json.dumps(ask["request"])), metadata=metadata)
            if hasattr(answer, "pages"):
                pages = [json.loads(type(page).to_json(page, always_print_fields_with_no_presence=False))
                         for page in answer.pages]
                out = {"ok": pages}
            else:
                out = {"ok": [json.loads(
                    type(answer).to_json(answer, always_print_fields_with_no_presence=False))]}
        except exceptions.GoogleAPICallError as error:
            out = {"error": {"class": type(error).__name__, "message": error.message,
                             "reason": error.reason, "domain": error.domain}}
        print(json.dumps(out), flush=True)


main()
