"""The `anthropic` package: messages and their count of tokens."""

from anthropic import Anthropic

from call import call, dump, kinds_of, table


def base_url(url):
    """This SDK adds the version to the path by itself."""
    return url.removesuffix("/v1")


def client(job):
    return Anthropic(
        base_url=base_url(job["base_url"]),
        api_key=job["api_key"],
        max_retries=job["max_retries"],
        timeout=60,
    )


def messages(client, args):
    return dump(call(client.messages.create, args))


def messages_id(client, args):
    """The request id that the SDK shows its user."""
    return call(client.messages.create, args)._request_id


def messages_stream(client, args):
    with call(client.messages.create, args, stream=True) as stream:
        return [dump(event) for event in stream]


def messages_stream_helper(client, args):
    """The accumulated message, and the kinds of events on the way there."""
    with call(client.messages.stream, args) as stream:
        kinds = kinds_of(stream)
        final = stream.get_final_message()
    return {"kinds": kinds, "final": dump(final)}


def count_tokens(client, args):
    return dump(call(client.messages.count_tokens, args))


def count_tokens_raw(client, args):
    """The count, and the headers that came with it."""
    raw = call(client.messages.with_raw_response.count_tokens, args)
    return {
        "headers": {key.lower(): value for key, value in raw.headers.items()},
        "count": dump(raw.parse()),
    }


OPERATIONS = table(
    messages,
    messages_id,
    messages_stream,
    messages_stream_helper,
    count_tokens,
    count_tokens_raw,
)
