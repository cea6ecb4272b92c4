"""What the operations of every SDK share."""

import inspect


def dump(value):
    return value.model_dump(mode="json", exclude_unset=True, warnings=False)


def call(method, args, **more):
    """Calls `method`; what it does not know by name goes into the body all the same."""
    known = inspect.signature(method).parameters
    extra = {key: value for key, value in args.items() if key not in known}
    named = {key: value for key, value in args.items() if key in known}
    return method(**named, **more, **({"extra_body": extra} if extra else {}))


def table(*operations):
    """The operations by their names."""
    return {operation.__name__: operation for operation in operations}


def kinds_of(events):
    """The kinds of the events, each run of the same kind once; reads them all."""
    kinds = []
    for event in events:
        if not kinds or kinds[-1] != event.type:
            kinds.append(event.type)
    return kinds
