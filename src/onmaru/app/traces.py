"""OpenTelemetry spans of requests, sent to a collector; the one file that names its libraries, behind `onmaru[otel]`.

A span holds surface, method, status and request id: no path, user or tenant, for a collector is no part of the house.
"""

from __future__ import annotations

from collections.abc import Callable

from onmaru import __version__
from onmaru.app.refusal import Refusal
from onmaru.web.meter import Span


def sending(address: str) -> tuple[Callable[[Span], None], Callable[[], None]]:
    """What takes a span, and what sends those that are left; both return at once or soon. `address`: OTLP over HTTP."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace import SpanKind, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
    except ImportError:
        raise Refusal("traces are asked for: install onmaru[otel]") from None
    provider = TracerProvider(resource=Resource({"service.name": "onmaru", "service.version": __version__}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=address, timeout=5)))
    tracer, parents = provider.get_tracer("onmaru"), TraceContextTextMapPropagator()

    def take(span: Span) -> None:
        carrier = {"traceparent": span.parent} if span.parent else {}
        made = tracer.start_span(
            f"{span.method} {span.surface or 'pages'}",
            parents.extract(carrier),
            SpanKind.SERVER,
            {
                "http.request.method": span.method,
                "http.response.status_code": span.status,
                "onmaru.surface": span.surface or "pages",
                "onmaru.request": span.request,
            },
            start_time=span.ended - int(span.seconds * 1e9),
        )
        if span.status >= 500:
            made.set_status(StatusCode.ERROR)
        made.end(span.ended)

    def close() -> None:
        provider.shutdown()

    return take, close
