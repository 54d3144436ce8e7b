"""Lets an agent of Pydantic AI work, and prints the spans it writes as JSON. In: the URL of a model server, instructions."""

import json
import sys
from importlib.metadata import version

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic_ai import Agent, InstrumentationSettings
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.usage import RunUsage

exporter = InMemorySpanExporter()
tracer_provider = TracerProvider()
tracer_provider.add_span_processor(SimpleSpanProcessor(exporter))
Agent.instrument_all(InstrumentationSettings(tracer_provider=tracer_provider, include_content=False))
model = OpenAIChatModel('gpt-4.1-mini', provider=OpenAIProvider(base_url=sys.argv[1], api_key='none'))
editor = Agent(model, name='editor', system_prompt='Answer in few words.')
librarian = Agent(model, name='librarian', system_prompt=sys.argv[2])


@librarian.tool_plain
def search(query: str) -> str:
    """Searches the library."""
    return f'What is known about {query}: spans have parents, links and attributes.'


# One usage object is handed on, so that the second agent reports that of the first, too.
usage = RunUsage()
editor.run_sync('What is a span?', usage=usage)
librarian.run_sync('What is a span?', usage=usage)
spans = [
    {
        'name': span.name,
        'scope': span.instrumentation_scope.name,
        'kind': span.kind.name,
        'id': f'{span.context.span_id:016x}',
        'parent': f'{span.parent.span_id:016x}' if span.parent else None,
        'startedAt': span.start_time,
        'attributes': {key: list(value) if isinstance(value, tuple) else value for key, value in span.attributes.items()},
    }
    for span in exporter.get_finished_spans()
]
print(json.dumps({'packages': {'pydantic-ai-slim': version('pydantic-ai-slim')}, 'spans': spans}))
