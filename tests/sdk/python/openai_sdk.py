"""The `openai` package: chat completions, responses, completions, embeddings, models."""

from openai import OpenAI
from pydantic import BaseModel

from call import call, dump, kinds_of, table


class Event(BaseModel):
    """What `parse` is asked to return."""

    name: str
    participants: list[str]


def base_url(url):
    return url


def client(job):
    return OpenAI(
        base_url=base_url(job["base_url"]),
        api_key=job["api_key"],
        max_retries=job["max_retries"],
        timeout=60,
    )


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
    with call(client.chat.completions.stream, args) as stream:
        kinds = kinds_of(stream)
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


def responses(client, args):
    return dump(call(client.responses.create, args))


def responses_stream(client, args):
    with call(client.responses.create, args, stream=True) as stream:
        return [dump(event) for event in stream]


def responses_stream_helper(client, args):
    """The final response, and the kinds of events on the way there."""
    with call(client.responses.stream, args) as stream:
        kinds = kinds_of(stream)
        final = stream.get_final_response()
    return {"kinds": kinds, "final": dump(final), "text": final.output_text}


def completions(client, args):
    return dump(call(client.completions.create, args))


def completions_stream(client, args):
    with call(client.completions.create, args, stream=True) as stream:
        return [dump(chunk) for chunk in stream]


def embeddings(client, args):
    return dump(call(client.embeddings.create, args))


def models_list(client, args):
    return [dump(model) for model in client.models.list()]


def models_retrieve(client, args):
    return dump(client.models.retrieve(args["id"]))


OPERATIONS = table(
    chat,
    chat_id,
    chat_raw,
    chat_stream,
    chat_stream_helper,
    chat_parse,
    responses,
    responses_stream,
    responses_stream_helper,
    completions,
    completions_stream,
    embeddings,
    models_list,
    models_retrieve,
)
