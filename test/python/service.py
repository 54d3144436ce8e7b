"""A FastAPI service with the ordinary OpenTelemetry packages, and no line of Runspan.

It knows of the caller's run what every OpenTelemetry service knows: traceparent and tracestate. It asks a model, and
passes the question on to the next service.
"""

import os
import socket
import sys
import urllib.request

import uvicorn
from fastapi import FastAPI
from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

provider = TracerProvider(resource=Resource.create({"service.name": "library"}))
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("library")
app = FastAPI()


@app.get("/find/{what}")
def find(what: str) -> dict[str, str]:
    with tracer.start_as_current_span(
        "chat small-model",
        kind=trace.SpanKind.CLIENT,
        attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "small-model",
            "gen_ai.provider.name": "acme",
            "gen_ai.usage.input_tokens": 7,
            "gen_ai.usage.output_tokens": 3,
        },
    ):
        pass
    headers: dict[str, str] = {}
    propagate.inject(headers)
    request = urllib.request.Request(f"{os.environ['NEXT']}/find/{what}", headers=headers)
    with urllib.request.urlopen(request) as answer:
        return {"next": answer.read().decode()}


FastAPIInstrumentor.instrument_app(app, exclude_spans=["receive", "send"])
listener = socket.create_server(("127.0.0.1", 0))
print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listener])
sys.exit(0)
