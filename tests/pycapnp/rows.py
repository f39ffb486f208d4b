"""Rows of schema/ingest.capnp from OTLP/JSON and back, by the schema's words alone: no code of the crate's.

Each table below names the fields of a message as OTLP/JSON has them, and what they are in the schema.
"""

import base64
import pathlib

import capnp

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "schema"
ingest = capnp.load(str(SCHEMA / "ingest.capnp"))


class Texts:
    """The string table, filled while rows are written."""

    def __init__(self):
        self.index = {"": 0}

    def of(self, text):
        return self.index.setdefault(text, len(self.index))

    def write(self, table):
        blob, ends = b"", []
        for text in self.index:
            blob += text.encode()
            ends.append(len(blob))
        table.blob, table.ends = blob, ends


def texts(table):
    blob, start, found = bytes(table.blob), 0, []
    for end in table.ends:
        found.append(blob[start:end].decode())
        start = end
    return found


# A kind is a pair of functions: write(builder, field, value, texts) and read(reader, field, texts).
def kind(write, read):
    return write, read


number = kind(lambda to, field, value, _: setattr(to, field, value), lambda of, field, _: getattr(of, field))
long = kind(lambda to, field, value, _: setattr(to, field, int(value)), lambda of, field, _: str(getattr(of, field)))
text = kind(
    lambda to, field, value, texts: setattr(to, field, texts.of(value)),
    lambda of, field, texts: texts[getattr(of, field)],
)
longs = kind(
    lambda to, field, value, _: setattr(to, field, [int(item) for item in value]),
    lambda of, field, _: [str(item) for item in getattr(of, field)],
)
doubles = kind(
    lambda to, field, value, _: setattr(to, field, value),
    lambda of, field, _: list(getattr(of, field)),
)
names = kind(
    lambda to, field, value, texts: setattr(to, field, [texts.of(item) for item in value]),
    lambda of, field, texts: [texts[item] for item in getattr(of, field)],
)


def write_trace(to, _, value, __):
    to.traceIdHigh, to.traceIdLow = int(value[:16], 16), int(value[16:], 16)


def read_trace(of, _, __):
    high, low = of.traceIdHigh, of.traceIdLow
    return f"{high:016x}{low:016x}" if high or low else ""


trace = kind(write_trace, read_trace)
span = kind(
    lambda to, field, value, _: setattr(to, field, int(value or "0", 16)),
    lambda of, field, _: f"{getattr(of, field):016x}" if getattr(of, field) else "",
)


def write_value(to, value, texts):
    for name, given in value.items():
        arm = name.removesuffix("Value")
        if arm == "string":
            to.string = texts.of(given)
        elif arm == "int":
            to.int = int(given)
        elif arm == "bytes":
            to.bytes = base64.b64decode(given)
        elif arm == "array":
            items = given["values"]
            for item, builder in zip(items, to.init("array", len(items))):
                write_value(builder, item, texts)
        elif arm == "kvlist":
            write_pairs(to, "kvlist", given["values"], texts)
        else:
            setattr(to, arm, given)
    if not value:
        to.empty = None


def read_value(of, texts):
    arm = of.which()
    given = None if arm == "empty" else getattr(of, str(arm))
    if arm == "empty":
        return {}
    if arm == "string":
        given = texts[given]
    elif arm == "int":
        given = str(given)
    elif arm == "bytes":
        given = base64.b64encode(given).decode()
    elif arm == "array":
        given = {"values": [read_value(item, texts) for item in given]}
    elif arm == "kvlist":
        given = {"values": read_pairs(of, "kvlist", texts)}
    return {f"{arm}Value": given}


def write_pairs(to, field, value, texts):
    for item, builder in zip(value, to.init(field, len(value))):
        builder.key = texts.of(item["key"])
        write_value(builder, item["value"], texts)


def read_pairs(of, field, texts):
    return [{"key": texts[pair.key], "value": read_value(pair, texts)} for pair in getattr(of, field)]


pairs = kind(write_pairs, read_pairs)
body = kind(
    lambda to, field, value, texts: write_value(to.init(field), value, texts),
    lambda of, field, texts: read_value(getattr(of, field), texts) if of._has(field) else None,
)


def struct(table):
    return kind(
        lambda to, field, value, texts: write(to.init(field), value, table, texts),
        lambda of, field, texts: read(getattr(of, field), table, texts) if of._has(field) else None,
    )


def several(table):
    def write_all(to, field, value, texts):
        for item, builder in zip(value, to.init(field, len(value))):
            write(builder, item, table, texts)

    return kind(write_all, lambda of, field, texts: [read(item, table, texts) for item in getattr(of, field)])


def write(to, value, table, texts):
    for name in value:
        assert name in table, f"{name} is not in the tables"
    for name, (how, field) in table.items():
        if name in value:
            how[0](to, field or name, value[name], texts)


def read(of, table, texts):
    found = {name: how[1](of, field or name, texts) for name, (how, field) in table.items()}
    return {name: value for name, value in found.items() if value is not None}


def fields(**table):
    return {name: how if isinstance(how[1], str) else (how, None) for name, how in table.items()}


# proto3 `optional`: a union of absent and value.
optional = kind(
    lambda to, field, value, _: setattr(getattr(to, field), "value", value),
    lambda of, field, _: getattr(of, field).value if getattr(of, field).which() == "value" else None,
)
as_double = kind(
    lambda to, _, value, __: setattr(to.value, "double", value),
    lambda of, _, __: of.value.double if of.value.which() == "double" else None,
)
as_int = kind(
    lambda to, _, value, __: setattr(to.value, "int", int(value)),
    lambda of, _, __: str(of.value.int) if of.value.which() == "int" else None,
)
dropped = (number, "droppedAttributesCount")


def status():
    """Two fields of a span make one message."""
    return kind(
        lambda to, _, value, texts: (
            setattr(to, "statusCode", value.get("code", 0)),
            setattr(to, "statusMessage", texts.of(value.get("message", ""))),
        ),
        lambda of, _, texts: {"code": of.statusCode, "message": texts[of.statusMessage]},
    )


def buckets():
    def write_buckets(to, field, value, _):
        group = getattr(to, field)
        group.offset = value.get("offset", 0)
        group.counts = [int(count) for count in value.get("bucketCounts", [])]

    def read_buckets(of, field, _):
        group = getattr(of, field)
        return {"offset": group.offset, "bucketCounts": [str(count) for count in group.counts]}

    return kind(write_buckets, read_buckets)


ENTITY = fields(schemaUrl=text, type=text, idKeys=names, descriptionKeys=names)
RESOURCE = fields(attributes=pairs, droppedAttributesCount=dropped, entityRefs=several(ENTITY))
SCOPE = fields(name=text, version=text, attributes=pairs, droppedAttributesCount=dropped)
EVENT = fields(timeUnixNano=long, name=text, attributes=pairs, droppedAttributesCount=dropped)
LINK = fields(
    traceId=trace, spanId=span, flags=number, traceState=text, attributes=pairs, droppedAttributesCount=dropped
)
SPAN = fields(
    traceId=trace, spanId=span, parentSpanId=span, traceState=text, flags=number, name=text, kind=number,
    startTimeUnixNano=long, endTimeUnixNano=long, attributes=pairs, droppedAttributesCount=dropped,
    events=several(EVENT), droppedEventsCount=number, links=several(LINK), droppedLinksCount=number,
    status=status(),
)  # fmt: skip
LOG = fields(
    timeUnixNano=long, observedTimeUnixNano=long, traceId=trace, spanId=span, flags=number, severityNumber=number,
    severityText=text, eventName=text, body=body, attributes=pairs, droppedAttributesCount=dropped,
)  # fmt: skip
EXEMPLAR = fields(
    timeUnixNano=long, traceId=trace, spanId=span, asDouble=as_double, asInt=as_int, filteredAttributes=pairs
)
POINT = fields(startTimeUnixNano=long, timeUnixNano=long, flags=number, attributes=pairs)
NUMBER = POINT | fields(asDouble=as_double, asInt=as_int, exemplars=several(EXEMPLAR))
COUNTED = POINT | fields(count=long, sum=optional, min=optional, max=optional, exemplars=several(EXEMPLAR))
HISTOGRAM = COUNTED | fields(bucketCounts=longs, explicitBounds=doubles)
EXPONENTIAL = COUNTED | fields(
    scale=number, zeroCount=long, zeroThreshold=number, positive=buckets(), negative=buckets()
)
QUANTILE = fields(quantile=number, value=number)
SUMMARY = POINT | fields(count=long, sum=number, quantileValues=(several(QUANTILE), "quantiles"))
TEMPORALITY = fields(aggregationTemporality=(number, "temporality"))


def points(table):
    return fields(dataPoints=(several(table), "points"))


DATA = {
    "gauge": points(NUMBER),
    "sum": points(NUMBER) | TEMPORALITY | fields(isMonotonic=number),
    "histogram": points(HISTOGRAM) | TEMPORALITY,
    "exponentialHistogram": points(EXPONENTIAL) | TEMPORALITY,
    "summary": points(SUMMARY),
}


def data(arm):
    def write_data(to, _, value, texts):
        write(to.data.init(arm), value, DATA[arm], texts)

    def read_data(of, _, texts):
        return read(getattr(of.data, arm), DATA[arm], texts) if of.data.which() == arm else None

    return kind(write_data, read_data)


METRIC = fields(name=text, description=text, unit=text, metadata=pairs, **{arm: data(arm) for arm in DATA})


def groups(scopes, items, table):
    scope = fields(schemaUrl=text, scope=struct(SCOPE), **{items: several(table)})
    return fields(schemaUrl=text, resource=struct(RESOURCE), **{scopes: several(scope)})


# The signal's name in the schema, the list of its requests, and what these hold.
SIGNALS = {
    "traces": fields(resourceSpans=several(groups("scopeSpans", "spans", SPAN))),
    "metrics": fields(resourceMetrics=several(groups("scopeMetrics", "metrics", METRIC))),
    "logs": fields(resourceLogs=several(groups("scopeLogs", "logRecords", LOG))),
}


def write_rows(rows, signal, request):
    """Fills a builder of Rows with a request of OTLP/JSON."""
    table = Texts()
    write(rows.init(signal), request, SIGNALS[signal], table)
    table.write(rows.init("strings"))


def read_rows(rows):
    """The signal of Rows, and the request of OTLP/JSON that they are."""
    signal = str(rows.which())
    return signal, read(getattr(rows, signal), SIGNALS[signal], texts(rows.strings))


def crc32c(data, table=[]):
    """Castagnoli's, a byte at a time."""
    if not table:
        for value in range(256):
            for _ in range(8):
                value = value >> 1 ^ 0x82F63B78 * (value & 1)
            table.append(value)
    crc = 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF
