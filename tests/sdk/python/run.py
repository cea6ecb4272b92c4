"""Does the operations of one job with the official SDK; see `sdk.rs` for the protocol."""

import inspect
import json
import sys
import warnings

import openai
from openai import OpenAI
from pydantic import BaseModel


class Event(BaseModel):
    """What `parse` is asked to return."""

    name: str
    participants: list[str]


def dump(value):
    return value.model_dump(mode="json", exclude_unset=True, warnings=False)


def call(method, args, **more):
    """Calls `method`; what it does not know by name goes into the body all the same."""
    known = inspect.signature(method).parameters
    extra = {key: value for key, value in args.items() if key not in known}
    named = {key: value for key, value in args.items() if key in known}
    return method(**named, **more, **({"extra_body": extra} if extra else {}))


def chat(client, args):
    return dump(call(client.chat.completions.create, args))


def chat_id(client, args):
    """The request id that the SDK shows its user."""
    return client.chat.completions.create(**args)._request_id


def chat_raw(client, args):
    """The headers, and how often the SDK tried again."""
    raw = client.chat.completions.with_raw_response.create(**args)
    return {
        "headers": {key.lower(): value for key, value in raw.headers.items()},
        "retries_taken": raw.retries_taken,
        "status": raw.status_code,
    }


def chat_stream(client, args):
    with call(client.chat.completions.create, args, stream=True) as stream:
        return [dump(chunk) for chunk in stream]


def chat_stream_helper(client, args):
    """The accumulated completion, and the kinds of events on the way there."""
    args = dict(args)
    if args.pop("parse", False):
        args["response_format"] = Event
    kinds = []
    with call(client.chat.completions.stream, args) as stream:
        for event in stream:
            if not kinds or kinds[-1] != event.type:
                kinds.append(event.type)
        final = stream.get_final_completion()
    message = final.choices[0].message
    return {
        "kinds": kinds,
        "final": dump(final),
        "content": message.content,
        "parsed": dump(message.parsed) if message.parsed else None,
        "tool_calls": [
            {"id": call.id, "name": call.function.name, "arguments": call.function.arguments}
            for call in message.tool_calls or []
        ],
    }


def chat_parse(client, args):
    completion = client.chat.completions.parse(response_format=Event, **args)
    return dump(completion.choices[0].message.parsed)


def embeddings(client, args):
    return dump(call(client.embeddings.create, args))


def models_list(client, args):
    return [dump(model) for model in client.models.list()]


def models_retrieve(client, args):
    return dump(client.models.retrieve(args["id"]))


OPERATIONS = {
    operation.__name__: operation
    for operation in (
        chat,
        chat_id,
        chat_raw,
        chat_stream,
        chat_stream_helper,
        chat_parse,
        embeddings,
        models_list,
        models_retrieve,
    )
}


def error(exception):
    fields = {"class": type(exception).__name__, "message": str(exception)}
    for name in ("status_code", "type", "code", "param", "request_id", "body"):
        fields[name] = getattr(exception, name, None)
    if isinstance(exception, openai.APIStatusError):
        fields["retry_after"] = exception.response.headers.get("retry-after")
    return fields


def main():
    warnings.simplefilter("ignore")
    job = json.load(sys.stdin)
    client = OpenAI(
        base_url=job["base_url"],
        api_key=job["api_key"],
        max_retries=job["max_retries"],
        timeout=60,
    )
    results = []
    for op in job["ops"]:
        own = client.with_options(base_url=op["base_url"]) if "base_url" in op else client
        try:
            results.append({"ok": OPERATIONS[op["op"]](own, op["args"])})
        # What the SDK itself trips over, such as content that is a list, is a result too.
        except Exception as exception:
            results.append({"error": error(exception)})
    json.dump(results, sys.stdout)


main()
