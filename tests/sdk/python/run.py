"""Does the operations of one job with the official SDKs; see `sdk.rs` for the protocol."""

import importlib
import json
import sys
import warnings

# By the first word of an operation; what does not stand here is OpenAI's.
SDKS = {"messages": "anthropic_sdk", "count": "anthropic_sdk"}


def sdk_of(op):
    # Imported when it is asked for: each takes a second or two.
    return importlib.import_module(SDKS.get(op.split("_")[0], "openai_sdk"))


def error(exception):
    fields = {"class": type(exception).__name__, "message": str(exception)}
    for name in ("status_code", "type", "code", "param", "request_id", "body"):
        fields[name] = getattr(exception, name, None)
    response = getattr(exception, "response", None)
    if response is not None:
        fields["retry_after"] = response.headers.get("retry-after")
    return fields


class Clients:
    """One client of each SDK, and copies of it for other addresses."""

    def __init__(self, job):
        self.job = job
        self.own = {}

    def of(self, sdk, base_url):
        if sdk not in self.own:
            self.own[sdk] = sdk.client(self.job)
        client = self.own[sdk]
        return client.with_options(base_url=sdk.base_url(base_url)) if base_url else client


def main():
    warnings.simplefilter("ignore")
    job = json.load(sys.stdin)
    clients = Clients(job)
    results = []
    for op in job["ops"]:
        try:
            sdk = sdk_of(op["op"])
            client = clients.of(sdk, op.get("base_url"))
            results.append({"ok": sdk.OPERATIONS[op["op"]](client, op["args"])})
        # What the SDK itself trips over, such as content that is a list, is a result too.
        except Exception as exception:
            results.append({"error": error(exception)})
    json.dump(results, sys.stdout)


main()
