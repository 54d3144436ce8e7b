/**
 * Every attribute key that Runspan writes or reads, in its newest form.
 *
 * Keys of the GenAI conventions are copied here because the conventions are `development` and live in a repository
 * without a release (open-telemetry/semantic-conventions-genai); the strings must not move under a minor update of
 * somebody else's package. Keys of ours begin with `runspan.` and never with `gen_ai.usage.`: backends sum that key
 * over spans, and a sum written there would be counted again.
 *
 * "Writer" and "reader" name the folder of `src/`. "Bounded" means that the number of values is small enough for a
 * metric label; "unbounded" keys never become one.
 *
 * @module
 */

// --- Standard keys we write -----------------------------------------------------------------------------------

/** string, bounded. What a GenAI span does: `chat`, `invoke_agent`, `execute_tool` … Writer: run. Readers: all. */
export const ATTR_GEN_AI_OPERATION_NAME = 'gen_ai.operation.name'
/** string, bounded. Name of the agent of a run, a specialist or a dispatch span. Writer: run. */
export const ATTR_GEN_AI_AGENT_NAME = 'gen_ai.agent.name'
/** string, bounded. Who serves the model: `openai`, `anthropic`, `gcp.gemini` … Writer: run. */
export const ATTR_GEN_AI_PROVIDER_NAME = 'gen_ai.provider.name'
/** string, bounded. The model as it was asked for. Writer: run. */
export const ATTR_GEN_AI_REQUEST_MODEL = 'gen_ai.request.model'
/** string, bounded. The model that answered. Writer: run. */
export const ATTR_GEN_AI_RESPONSE_MODEL = 'gen_ai.response.model'
/** string, unbounded. The provider's id of an answer. Writer: run. */
export const ATTR_GEN_AI_RESPONSE_ID = 'gen_ai.response.id'
/** string[], bounded. Why the model stopped. Writer: run. */
export const ATTR_GEN_AI_RESPONSE_FINISH_REASONS = 'gen_ai.response.finish_reasons'
/** double, seconds. From the start of a streamed call to its first chunk. Writer: run. Reader: rollup. */
export const ATTR_GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK = 'gen_ai.response.time_to_first_chunk'
/** string, bounded. On metrics: text, image, audio or unknown. Writer: rollup. */
export const ATTR_GEN_AI_TOKEN_MODALITY = 'gen_ai.token.modality'
/** string, unbounded. The application's conversation, session or thread; never invented. Writer: run, rollup. */
export const ATTR_GEN_AI_CONVERSATION_ID = 'gen_ai.conversation.id'
/** string, bounded. Name of a tool. Writer: run. */
export const ATTR_GEN_AI_TOOL_NAME = 'gen_ai.tool.name'
/** string, content. JSON of the arguments of a tool call. Writer: run. */
export const ATTR_GEN_AI_TOOL_CALL_ARGUMENTS = 'gen_ai.tool.call.arguments'
/** string, content. JSON of the result of a tool call. Writer: run. */
export const ATTR_GEN_AI_TOOL_CALL_RESULT = 'gen_ai.tool.call.result'
/** string, content. JSON of the messages a model was given. Writer: run. */
export const ATTR_GEN_AI_INPUT_MESSAGES = 'gen_ai.input.messages'
/** string, content. JSON of the messages a model answered with. Writer: run. */
export const ATTR_GEN_AI_OUTPUT_MESSAGES = 'gen_ai.output.messages'

/** int. All input tokens of one model call, cached ones included. Writer: run, on leaves only. Reader: rollup. */
export const ATTR_GEN_AI_USAGE_INPUT_TOKENS = 'gen_ai.usage.input_tokens'
/** int. All output tokens of one model call, reasoning included. Writer: run, on leaves only. Reader: rollup. */
export const ATTR_GEN_AI_USAGE_OUTPUT_TOKENS = 'gen_ai.usage.output_tokens'
/** int, part of the input. Writer: run, on leaves only. Reader: rollup. */
export const ATTR_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS = 'gen_ai.usage.cache_read.input_tokens'
/** int, part of the input. Formerly `cache_creation.input_tokens`. Writer: run, on leaves only. Reader: rollup. */
export const ATTR_GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS = 'gen_ai.usage.cache_write.input_tokens'
/** int, part of the output. Writer: run, on leaves only. Reader: rollup. */
export const ATTR_GEN_AI_USAGE_REASONING_OUTPUT_TOKENS = 'gen_ai.usage.reasoning.output_tokens'
/** int, part of the input, cached or not. Writer: run, on leaves only. Reader: rollup. */
export const ATTR_GEN_AI_USAGE_AUDIO_INPUT_TOKENS = 'gen_ai.usage.audio.input_tokens'
/** int, part of the audio input and of the cache reads. Writer: run, on leaves only. Reader: rollup. */
export const ATTR_GEN_AI_USAGE_AUDIO_CACHE_READ_INPUT_TOKENS = 'gen_ai.usage.audio.cache_read.input_tokens'
/** int, part of the output. Writer: run, on leaves only. Reader: rollup. */
export const ATTR_GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS = 'gen_ai.usage.audio.output_tokens'
/** int, part of the input, cached or not. Writer: run, on leaves only. Reader: rollup. */
export const ATTR_GEN_AI_USAGE_IMAGE_INPUT_TOKENS = 'gen_ai.usage.image.input_tokens'
/** int, part of the image input and of the cache reads. Writer: run, on leaves only. Reader: rollup. */
export const ATTR_GEN_AI_USAGE_IMAGE_CACHE_READ_INPUT_TOKENS = 'gen_ai.usage.image.cache_read.input_tokens'
/** int, part of the output. Writer: run, on leaves only. Reader: rollup. */
export const ATTR_GEN_AI_USAGE_IMAGE_OUTPUT_TOKENS = 'gen_ai.usage.image.output_tokens'

/** string, bounded. What is evaluated. Writer: run. */
export const ATTR_GEN_AI_EVALUATION_NAME = 'gen_ai.evaluation.name'
/** double. Writer: run. */
export const ATTR_GEN_AI_EVALUATION_SCORE_VALUE = 'gen_ai.evaluation.score.value'
/** string, bounded. Writer: run. */
export const ATTR_GEN_AI_EVALUATION_SCORE_LABEL = 'gen_ai.evaluation.score.label'
/** string, content. Writer: run. */
export const ATTR_GEN_AI_EVALUATION_EXPLANATION = 'gen_ai.evaluation.explanation'
/** Name of the log record, or of the carrier span where the application has no logger provider. Writer: run. */
export const EVENT_GEN_AI_EVALUATION_RESULT = 'gen_ai.evaluation.result'

/** string, unbounded. The application's user. Writer: run, rollup. */
export const ATTR_USER_ID = 'user.id'
/** string, bounded. Class or code of a failure. Writer: run, propagation. */
export const ATTR_ERROR_TYPE = 'error.type'
/** Name of the span event that holds a failure. Writer: run. */
export const EVENT_EXCEPTION = 'exception'
/** string, bounded. Writer: run. */
export const ATTR_EXCEPTION_TYPE = 'exception.type'
/** string, content. Writer: run. */
export const ATTR_EXCEPTION_MESSAGE = 'exception.message'
/** string, content. Writer: run. */
export const ATTR_EXCEPTION_STACKTRACE = 'exception.stacktrace'
/** string, bounded. Writer: propagation. */
export const ATTR_HTTP_REQUEST_METHOD = 'http.request.method'
/** int, bounded. How often a request had been sent before. Writer: HTTP instrumentations. Reader: rollup. */
export const ATTR_HTTP_REQUEST_RESEND_COUNT = 'http.request.resend_count'
/** int, bounded. Writer: propagation; run, where a failure carries one. */
export const ATTR_HTTP_RESPONSE_STATUS_CODE = 'http.response.status_code'
/** string, bounded. Writer: propagation. */
export const ATTR_HTTP_ROUTE = 'http.route'
/** string, unbounded. Writer: propagation. */
export const ATTR_URL_PATH = 'url.path'
/** string, bounded. Writer: propagation. */
export const ATTR_URL_SCHEME = 'url.scheme'
/** string, bounded. Writer: propagation. */
export const ATTR_SERVER_ADDRESS = 'server.address'
/** string, bounded. On metrics: one of the components of a type. Writer: export. */
export const ATTR_OTEL_COMPONENT_NAME = 'otel.component.name'
/** string, bounded. On metrics: `otlp_http_span_exporter` and such. Writer: export. */
export const ATTR_OTEL_COMPONENT_TYPE = 'otel.component.type'
/** int, bounded. Writer: propagation. */
export const ATTR_SERVER_PORT = 'server.port'

// --- Runs -----------------------------------------------------------------------------------------------------

/** string, unbounded. The run id, which is the trace id. On run and segment roots; on every span with `stamp: 'all'`. */
export const ATTR_RUNSPAN_RUN_ID = 'runspan.run.id'
/**
 * boolean. True on the span of a framework's agent that nobody wrapped, and whose totals Runspan writes. With scope
 * `run` it is the root of a run; with scope `agent` its numbers are in no rollup above it.
 */
export const ATTR_RUNSPAN_ADOPTED = 'runspan.adopted'
/** string, unbounded. The run that started this one. Twin of a `parent` or `spawn` link. On the run's root. */
export const ATTR_RUNSPAN_PARENT_RUN_ID = 'runspan.parent_run.id'
/** string, unbounded. The first run of the family, where it is known; never guessed. On the run's root. */
export const ATTR_RUNSPAN_ROOT_RUN_ID = 'runspan.root_run.id'
/** string, unbounded. The run that a dispatch span started. On dispatch spans. */
export const ATTR_RUNSPAN_CHILD_RUN_ID = 'runspan.child_run.id'
/** string, unbounded. The run id that was asked for and could not be kept. On the run's root. */
export const ATTR_RUNSPAN_REQUESTED_RUN_ID = 'runspan.requested_run.id'
/** string, unbounded. The run whose delivery this execution repeats. On the run's root. */
export const ATTR_RUNSPAN_FIRST_RUN_ID = 'runspan.first_run.id'
/** string, unbounded. The run a review or feedback is about. On carrier spans and log records. */
export const ATTR_RUNSPAN_TARGET_RUN_ID = 'runspan.target_run.id'
/** int, bounded. Which delivery this is, from 1; written from 2 on. On the run's root. */
export const ATTR_RUNSPAN_RUN_ATTEMPT = 'runspan.run.attempt'
/** boolean. True where nobody awaits the run: spawned, handed off, a task. On the run's root. */
export const ATTR_RUNSPAN_RUN_DETACHED = 'runspan.run.detached'
/** string, content. What the run is to achieve. On run roots and dispatch spans. */
export const ATTR_RUNSPAN_RUN_GOAL = 'runspan.run.goal'
/** string, bounded. completed, failed, cancelled, timeout or abandoned. On the run's root, at its end. */
export const ATTR_RUNSPAN_RUN_STATUS = 'runspan.run.status'
/** string, bounded by the application. Why the run has that status. On the run's root, at its end. */
export const ATTR_RUNSPAN_RUN_STATUS_REASON = 'runspan.run.status_reason'
/** string, bounded. Version of the agent, as the application gave it. On the run's root. */
export const ATTR_RUNSPAN_AGENT_VERSION = 'runspan.agent.version'
/** string, content. JSON of what a span was given. */
export const ATTR_RUNSPAN_INPUT = 'runspan.input'
/** string, content. JSON of what a span resulted in. */
export const ATTR_RUNSPAN_OUTPUT = 'runspan.output'
/** Prefix of the application's own metadata keys: `runspan.metadata.{key}`. On the run's root. */
export const ATTR_PREFIX_RUNSPAN_METADATA = 'runspan.metadata.'
/** boolean. True on the root of a segment: joined work in another service or process. */
export const ATTR_RUNSPAN_SEGMENT = 'runspan.segment'
/** boolean. True on a segment whose run was open in the same process: the run's own totals hold its numbers already. */
export const ATTR_RUNSPAN_SEGMENT_LOCAL = 'runspan.segment.local'
/**
 * boolean. True on the server span of a request that carried a run and was not let join it: nobody adds what is below it
 * to the run. Writer: propagation. Reader: query.
 */
export const ATTR_RUNSPAN_JOIN_REFUSED = 'runspan.join.refused'
/** string, bounded. Why a span ended before its work did: `cancelled`, `consumer_stopped`, `stream_idle`, `disposed`. */
export const ATTR_RUNSPAN_END_REASON = 'runspan.end_reason'
/** string, bounded. On links: parent, trigger, spawn, resume, retry, follow_up, delivery or review. */
export const ATTR_RUNSPAN_LINK_TYPE = 'runspan.link.type'
/** string, unbounded. Who reviewed. On reviews and feedback. */
export const ATTR_RUNSPAN_REVIEWER_ID = 'runspan.reviewer.id'
/** string, bounded. human, agent or code. On reviews and feedback. */
export const ATTR_RUNSPAN_REVIEWER_KIND = 'runspan.reviewer.kind'

// --- Rollup: on run roots, segment roots and agent containers -------------------------------------------------

/** int. Sum over the counted model calls. */
export const ATTR_RUNSPAN_USAGE_INPUT_TOKENS = 'runspan.usage.input_tokens'
/** int. Sum over the counted model calls. */
export const ATTR_RUNSPAN_USAGE_OUTPUT_TOKENS = 'runspan.usage.output_tokens'
/** int, part of the input sum. */
export const ATTR_RUNSPAN_USAGE_CACHE_READ_INPUT_TOKENS = 'runspan.usage.cache_read.input_tokens'
/** int, part of the input sum. */
export const ATTR_RUNSPAN_USAGE_CACHE_WRITE_INPUT_TOKENS = 'runspan.usage.cache_write.input_tokens'
/** int, part of the output sum. */
export const ATTR_RUNSPAN_USAGE_REASONING_OUTPUT_TOKENS = 'runspan.usage.reasoning.output_tokens'
/** double (a whole number goes out as an int). For people; sum {@link ATTR_RUNSPAN_COST_NANO_USD} instead. */
export const ATTR_RUNSPAN_COST_USD = 'runspan.cost.usd'
/** int. Billionths of a US dollar: what sums and collector policies use. */
export const ATTR_RUNSPAN_COST_NANO_USD = 'runspan.cost.nano_usd'
/** string, bounded. reported, priced, mixed or unpriced. */
export const ATTR_RUNSPAN_COST_SOURCE = 'runspan.cost.source'
/** string, bounded. Names, versions and dates of the price tables behind `priced` and `mixed`. */
export const ATTR_RUNSPAN_COST_PRICE_TABLE = 'runspan.cost.price_table'
/** string[], at most 8 sorted names. Models of the calls whose cost is in no sum, with their tier of service. */
export const ATTR_RUNSPAN_COST_UNPRICED_MODELS = 'runspan.cost.unpriced_models'
/** int each. Parts of {@link ATTR_RUNSPAN_COST_NANO_USD} by what they were charged for, where they are asked for. */
export const ATTRS_RUNSPAN_COST_OF_BUCKET = {
  input: 'runspan.cost.input.nano_usd',
  cacheRead: 'runspan.cost.cache_read.nano_usd',
  cacheWrite: 'runspan.cost.cache_write.nano_usd',
  cacheWrite1h: 'runspan.cost.cache_write_1h.nano_usd',
  output: 'runspan.cost.output.nano_usd',
  reasoning: 'runspan.cost.reasoning.nano_usd',
  audioInput: 'runspan.cost.audio.input.nano_usd',
  audioCacheRead: 'runspan.cost.audio.cache_read.nano_usd',
  audioOutput: 'runspan.cost.audio.output.nano_usd',
  imageInput: 'runspan.cost.image.input.nano_usd',
  imageCacheRead: 'runspan.cost.image.cache_read.nano_usd',
  imageOutput: 'runspan.cost.image.output.nano_usd',
  request: 'runspan.cost.request.nano_usd',
  undivided: 'runspan.cost.undivided.nano_usd',
} as const
/** int. Counted model calls, failed ones included. */
export const ATTR_RUNSPAN_CALLS_LLM = 'runspan.calls.llm'
/** int. Counted model calls whose cost is in no sum: no known price, or no known usage. */
export const ATTR_RUNSPAN_CALLS_UNPRICED = 'runspan.calls.unpriced'
/** int. Counted tool calls, failed ones included. */
export const ATTR_RUNSPAN_CALLS_TOOL = 'runspan.calls.tool'
/** int. Spans of this part, its root included. */
export const ATTR_RUNSPAN_SPANS = 'runspan.spans'
/** int. Failures, each counted on the innermost span that reports it. */
export const ATTR_RUNSPAN_ERRORS = 'runspan.errors'
/** boolean. False where a part may be missing from the numbers. Its presence marks a span that carries a rollup. */
export const ATTR_RUNSPAN_ROLLUP_COMPLETE = 'runspan.rollup.complete'
/**
 * string[], bounded. Why the numbers may be incomplete: open_spans, shared, handed_off, no_answer, partial,
 * unknown_service, too_many_parts, checkpoint, process_lost. Beside `complete=false` only.
 */
export const ATTR_RUNSPAN_ROLLUP_INCOMPLETE_REASONS = 'runspan.rollup.incomplete_reasons'
/** int. Segments of other services whose numbers came home and are in these. */
export const ATTR_RUNSPAN_ROLLUP_REMOTE_SEGMENTS = 'runspan.rollup.remote_segments'
/** string[], unbounded, at most 128. Span ids of those segments' roots: their rollups are not to be added again. */
export const ATTR_RUNSPAN_ROLLUP_REMOTE_SEGMENT_IDS = 'runspan.rollup.remote_segment_ids'
/**
 * string, bounded. run, segment or agent: filter by it before adding rollups up. On a checkpoint `checkpoint`: the sums so
 * far of a run that is open, which are in no other scope and never to be added to one.
 */
export const ATTR_RUNSPAN_ROLLUP_SCOPE = 'runspan.rollup.scope'
/**
 * string[], unbounded, 128 at most. Ids of the spans of agents below that nobody wrapped and that have totals of their
 * own: those are in this rollup. Where their marks came before that of the span which carries it.
 */
export const ATTR_RUNSPAN_ROLLUP_AGENT_SPAN_IDS = 'runspan.rollup.agent_span_ids'
/** int. Spans that had not ended when the rollup was written. */
export const ATTR_RUNSPAN_ROLLUP_OPEN_SPANS = 'runspan.rollup.open_spans'
/** int. Spans that carried usage and were left out because another span stands for the same call. */
export const ATTR_RUNSPAN_ROLLUP_SUPPRESSED_SPANS = 'runspan.rollup.suppressed_spans'

/** int. Requests below the part that were sent again, as HTTP instrumentations report them. */
export const ATTR_RUNSPAN_RETRIES = 'runspan.retries'
/** double, seconds. From the part's start to the first chunk that any of its model calls streamed. */
export const ATTR_RUNSPAN_TIME_TO_FIRST_CHUNK = 'runspan.time_to_first_chunk'
/** int, tokens. By how much containers claim more than was counted below them: usage that was passed in from elsewhere. */
export const ATTR_RUNSPAN_ROLLUP_CARRIED_USAGE = 'runspan.rollup.carried_usage'
/** string, JSON. Sums by operation, provider and model, where they are asked for. */
export const ATTR_RUNSPAN_DETAIL_MODELS = 'runspan.detail.models'
/** string, JSON. Tool calls by tool, where they are asked for. */
export const ATTR_RUNSPAN_DETAIL_TOOLS = 'runspan.detail.tools'
/** string, JSON. Failures by `error.type`, where they are asked for. */
export const ATTR_RUNSPAN_DETAIL_ERRORS = 'runspan.detail.errors'
/** int. The run and its linked descendants that ended before it in this process, where the family is asked for. */
export const ATTR_RUNSPAN_FAMILY_RUNS = 'runspan.family.runs'
/** int. Sum over those runs. Never to be added to any run's own. */
export const ATTR_RUNSPAN_FAMILY_INPUT_TOKENS = 'runspan.family.input_tokens'
/** int. Sum over those runs. */
export const ATTR_RUNSPAN_FAMILY_OUTPUT_TOKENS = 'runspan.family.output_tokens'
/** int. Sum over those runs, in billionths of a US dollar. */
export const ATTR_RUNSPAN_FAMILY_COST_NANO_USD = 'runspan.family.cost.nano_usd'

/** int. Cost of one counted model call, on its leaf; another key than the rollup's, so that neither is added to the other. */
export const ATTR_RUNSPAN_CALL_COST_NANO_USD = 'runspan.call.cost.nano_usd'
/** int, part of the cache writes. On a model call's leaf: no convention has a key for it. Writer: run. Reader: rollup. */
export const ATTR_RUNSPAN_CALL_CACHE_WRITE_1H_INPUT_TOKENS = 'runspan.call.cache_write_1h.input_tokens'
/** string, bounded. The tier of service that answered, as the provider names it. On a leaf. Writer: run. Reader: rollup. */
export const ATTR_RUNSPAN_CALL_SERVICE_TIER = 'runspan.call.service_tier'

/** string, bounded. Why the run left its process whole, or `root_only`. On roots that a `RunSamplingProcessor` decided about. */
export const ATTR_RUNSPAN_SAMPLING_REASON = 'runspan.sampling.reason'
/** int. Spans of the part that were left out when it was sampled. Beside {@link ATTR_RUNSPAN_SAMPLING_REASON}. */
export const ATTR_RUNSPAN_SAMPLING_DROPPED_SPANS = 'runspan.sampling.dropped_spans'

/** boolean. True on start markers and checkpoints: their run was open when they were written. What lists search for. */
export const ATTR_RUNSPAN_RUN_OPEN = 'runspan.run.open'
/** Name of the zero-length span below the root by which a run is seen before its root has ended. Writer: run. */
export const SPAN_RUNSPAN_STARTED = 'runspan started'
/** Name of the zero-length span below the root that has the sums so far of a run that is open. Writer: run. */
export const SPAN_RUNSPAN_CHECKPOINT = 'runspan checkpoint'

/** Name of the span that reports what ended after the root. */
export const SPAN_RUNSPAN_AMENDMENT = 'runspan amendment'
/** Prefix of an amendment's numbers: the rollup keys with `runspan.late.` in place of `runspan.`. */
export const ATTR_PREFIX_RUNSPAN_LATE = 'runspan.late.'

// --- Read only: what other producers write --------------------------------------------------------------------

/** The keys that say what a span is, in the order in which they are believed. Reader: rollup. */
export const ALIASES_OF_ROLE = {
  aiSdkOperation: 'ai.operationId',
  langsmith: 'langsmith.span.kind',
  mastra: 'mastra.span.type',
  openInference: 'openinference.span.kind',
  langfuse: 'langfuse.observation.type',
  laminar: 'lmnr.span.type',
  traceloopRequest: 'llm.request.type',
  traceloop: 'traceloop.span.kind',
  mlflow: 'mlflow.spanType',
} as const

/** Names of the tool that was called, as other producers of tool spans write them. Reader: rollup. */
export const ALIASES_OF_TOOL_NAME = ['ai.toolCall.name', 'tool.name', 'tool_name'] as const

/** Per number, the keys that may hold it; the first one present wins. Reader: rollup. */
export const ALIASES_OF_USAGE = {
  input: [
    ATTR_GEN_AI_USAGE_INPUT_TOKENS,
    'gen_ai.usage.prompt_tokens',
    'llm.token_count.prompt',
    'ai.usage.inputTokens',
    'ai.usage.promptTokens',
    'ai.usage.tokens',
  ],
  output: [
    ATTR_GEN_AI_USAGE_OUTPUT_TOKENS,
    'gen_ai.usage.completion_tokens',
    'llm.token_count.completion',
    'ai.usage.outputTokens',
    'ai.usage.completionTokens',
  ],
  total: [
    'gen_ai.usage.total_tokens',
    'llm.usage.total_tokens',
    'llm.token_count.total',
    'ai.usage.totalTokens',
    'cloudflare.agents.usage.total_tokens',
  ],
  cacheRead: [
    ATTR_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
    'gen_ai.usage.cache_read_input_tokens',
    'gen_ai.usage.input_tokens.cached',
    'llm.token_count.prompt_details.cache_read',
    'ai.usage.inputTokenDetails.cacheReadTokens',
    'ai.usage.cachedInputTokens',
    'gen_ai.usage.cached_input_tokens',
  ],
  cacheWrite: [
    ATTR_GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS,
    'gen_ai.usage.cache_creation.input_tokens',
    'gen_ai.usage.cache_creation_input_tokens',
    'gen_ai.usage.cache_write_input_tokens',
    'gen_ai.usage.input_tokens.cache_write',
    'llm.token_count.prompt_details.cache_write',
    'ai.usage.inputTokenDetails.cacheWriteTokens',
  ],
  reasoning: [
    ATTR_GEN_AI_USAGE_REASONING_OUTPUT_TOKENS,
    'gen_ai.usage.reasoning_tokens',
    'gen_ai.usage.reasoning_output_tokens',
    'gen_ai.usage.output_tokens.reasoning',
    'llm.token_count.completion_details.reasoning',
    'ai.usage.outputTokenDetails.reasoningTokens',
    'ai.usage.reasoningTokens',
  ],
  costUsd: [
    'gen_ai.usage.cost.amount',
    'gen_ai.usage.cost',
    'llm.cost.total',
    'gen_ai.cost.total_tokens',
    'operation.cost',
    'mlflow.llm.cost',
    'cost_usd',
  ],
} as const

/** Per number that few calls have, the keys that may hold it; the first one present wins. Reader: rollup. */
export const ALIASES_OF_DETAILS = {
  cacheWrite1h: [
    ATTR_RUNSPAN_CALL_CACHE_WRITE_1H_INPUT_TOKENS,
    'gen_ai.usage.cache_creation.1h_input_tokens',
    'anthropic.usage.cache_creation.ephemeral_1h_input_tokens',
  ],
  audioInput: [
    ATTR_GEN_AI_USAGE_AUDIO_INPUT_TOKENS,
    'gen_ai.usage.audio_input_tokens',
    'llm.token_count.prompt_details.audio',
  ],
  audioCacheRead: [ATTR_GEN_AI_USAGE_AUDIO_CACHE_READ_INPUT_TOKENS],
  audioOutput: [
    ATTR_GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS,
    'gen_ai.usage.audio_output_tokens',
    'llm.token_count.completion_details.audio',
  ],
  imageInput: [ATTR_GEN_AI_USAGE_IMAGE_INPUT_TOKENS],
  imageCacheRead: [ATTR_GEN_AI_USAGE_IMAGE_CACHE_READ_INPUT_TOKENS],
  imageOutput: [ATTR_GEN_AI_USAGE_IMAGE_OUTPUT_TOKENS],
} as const

/** Keys of the tier of service: what answered before what was asked for. Reader: rollup. */
export const ALIASES_OF_SERVICE_TIER = [
  ATTR_RUNSPAN_CALL_SERVICE_TIER,
  'openai.response.service_tier',
  'gen_ai.openai.response.service_tier',
  'openai.request.service_tier',
  'gen_ai.openai.request.service_tier',
] as const

/**
 * What the AI SDK writes of a call beside its usage: JSON of what the provider said, and a key that is present where its
 * input includes cached parts, which it does from version 6 on. Reader: rollup.
 */
export const ALIASES_OF_AI_SDK = {
  providerMetadata: 'ai.response.providerMetadata',
  uncachedInput: 'ai.usage.inputTokenDetails.noCacheTokens',
  cachedInput: 'ai.usage.cachedInputTokens',
} as const

/** JSON maps of usage, with the names their producers use inside. Reader: rollup. */
export const ALIASES_OF_USAGE_MAPS = {
  langfuse: 'langfuse.observation.usage_details',
  langfuseCost: 'langfuse.observation.cost_details',
  langsmith: 'langsmith.usage_metadata',
  mlflow: 'mlflow.chat.tokenUsage',
} as const

/** JSON of a model's whole answer, on the calls of Google's ADK where it records content. Reader: rollup. */
export const ALIAS_ADK_RESPONSE = 'gcp.vertex.agent.llm_response'

/** Claude Code writes bare keys, with its cached input beside the input. Reader: rollup. */
export const ALIASES_OF_CLAUDE_CODE = {
  input: 'input_tokens',
  output: 'output_tokens',
  cacheRead: 'cache_read_tokens',
  cacheWrite: 'cache_creation_tokens',
  model: 'model',
} as const

/** Milliseconds to the first chunk of a stream, as the AI SDK 5 and 6 write them. Reader: rollup. */
export const ALIASES_OF_FIRST_CHUNK_MILLIS = ['ai.response.msToFirstChunk', 'ai.stream.msToFirstChunk'] as const

/** The currency of `gen_ai.usage.cost.amount`: anything but USD is not added up. Reader: rollup. */
export const ALIAS_COST_CURRENCY = 'gen_ai.usage.cost.currency'

/** Keys of the model, answering one first. Reader: rollup. */
export const ALIASES_OF_MODEL = [
  ATTR_GEN_AI_RESPONSE_MODEL,
  ATTR_GEN_AI_REQUEST_MODEL,
  'llm.response.model_name',
  'llm.model_name',
  'llm.request.model_name',
  'ai.response.model',
  'ai.model.id',
  'langfuse.observation.model.name',
  'mlflow.llm.model',
  'embedding.model_name',
  'reranker.model_name',
] as const

/** Keys of the provider. Reader: rollup. */
export const ALIASES_OF_PROVIDER = [
  ATTR_GEN_AI_PROVIDER_NAME,
  'gen_ai.system',
  'llm.provider',
  'llm.system',
  'ai.model.provider',
  'mlflow.llm.provider',
] as const

/**
 * What models and tools were given and answered, under the keys of every library that is known; an entry that ends in a
 * dot stands for all keys that begin so. Reader: export, where content must not leave.
 */
export const ALIASES_OF_CONTENT = [
  ATTR_RUNSPAN_INPUT,
  ATTR_RUNSPAN_OUTPUT,
  ATTR_RUNSPAN_RUN_GOAL,
  ATTR_PREFIX_RUNSPAN_METADATA,
  ATTR_GEN_AI_INPUT_MESSAGES,
  ATTR_GEN_AI_OUTPUT_MESSAGES,
  ATTR_GEN_AI_TOOL_CALL_ARGUMENTS,
  ATTR_GEN_AI_TOOL_CALL_RESULT,
  ATTR_GEN_AI_EVALUATION_EXPLANATION,
  'gen_ai.system_instructions',
  'gen_ai.tool.definitions',
  'gen_ai.retrieval.query.text',
  'gen_ai.retrieval.documents',
  'gen_ai.memory.records',
  'gen_ai.prompt',
  'gen_ai.prompt.',
  'gen_ai.completion',
  'gen_ai.completion.',
  'gen_ai.event.content',
  // Vercel's AI SDK.
  'ai.prompt',
  'ai.prompt.',
  'ai.response.text',
  'ai.response.object',
  'ai.response.reasoning',
  'ai.response.toolCalls',
  'ai.toolCall.args',
  'ai.toolCall.result',
  'ai.value',
  'ai.values',
  'ai.embedding',
  'ai.embeddings',
  'ai.telemetry.metadata.',
  // OpenInference.
  'input.value',
  'output.value',
  'metadata',
  'llm.input_messages.',
  'llm.output_messages.',
  'llm.prompts.',
  'llm.prompt_template.',
  'llm.tools.',
  'tool.parameters',
  'retrieval.documents.',
  'reranker.query',
  'reranker.input_documents.',
  'reranker.output_documents.',
  'embedding.embeddings.',
  // Traceloop, Langfuse, LangSmith, MLflow, Logfire.
  'traceloop.entity.input',
  'traceloop.entity.output',
  'langfuse.observation.input',
  'langfuse.observation.output',
  'langfuse.observation.metadata.',
  'langfuse.trace.input',
  'langfuse.trace.output',
  'langfuse.trace.metadata.',
  'langsmith.metadata.',
  'mlflow.spanInputs',
  'mlflow.spanOutputs',
  'request_data',
  'response_data',
  'all_messages_events',
  'pydantic_ai.all_messages',
] as const
