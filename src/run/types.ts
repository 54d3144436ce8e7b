import type { Attributes, AttributeValue, SpanContext, TimeInput, Tracer, TracerProvider } from '@opentelemetry/api'

import type { ATTRS_RUNSPAN_COST_OF_BUCKET } from '../attributes.ts'

/** How a run ended. `abandoned`: nobody ended it, or nobody read its stream. */
export type RunStatus = 'completed' | 'failed' | 'cancelled' | 'timeout' | 'abandoned'

/**
 * What a span inside a run stands for; decides name, kind and operation (not OpenTelemetry's `SpanKind`).
 *
 * `agent` → `invoke_agent {name}`, `llm` → `chat {model or name}`, `tool` → `execute_tool {name}`,
 * `retrieval` → `retrieval {name}`; `chain` and `function` → `{name}`, without an operation.
 */
export type WorkType = 'agent' | 'llm' | 'tool' | 'retrieval' | 'chain' | 'function'

/**
 * Names one run so that another process can join it, link to it or end it. JSON-safe, and a W3C carrier itself: its
 * `traceparent` and `tracestate` are the header values.
 */
export interface RunRef {
  /** 32 lower-case hex digits: the trace id. */
  readonly runId: string
  /** W3C `traceparent` of the run's root, or of the span it was extracted from. */
  readonly traceparent: string
  /** W3C `tracestate`; its `runspan` member marks the trace as a run. */
  readonly tracestate: string
  readonly agentName?: string
  readonly rootRunId?: string
  readonly parentRunId?: string
  readonly goal?: string
  /** Nanoseconds since the epoch, as a decimal string. */
  readonly startUnixNano?: string
  /** Only from `extractRun()`, where the caller let it travel: on every span of the part that joins. */
  readonly conversationId?: string
  /** Only from `extractRun()`, where the caller let it travel: on every span of the part that joins. */
  readonly userId?: string
  /** Only from `spawn()`: W3C `traceparent` of the dispatch span that the child links back to. */
  readonly dispatchTraceparent?: string
  /** Only from `handOff()`, opaque: what the ender needs to write the root (name, start, parent, subtotal). */
  readonly handedOff?: string
}

/** A run: a ref, or its id as 32 hex digits or dashed UUID. A bare id is taken as sampled. */
export type RunTarget = RunRef | string

/** Why two traces are linked. `runspan.link.type` on the link. */
export type LinkType = 'parent' | 'trigger' | 'spawn' | 'resume' | 'retry' | 'follow_up' | 'delivery' | 'review'

/** A typed link from a run to another run or span. */
export interface RunLink {
  readonly type: LinkType
  readonly to: RunTarget | SpanContext
  readonly attributes?: Attributes
}

/** What few model calls have. Counts are parts of the totals. */
export interface UsageDetails {
  /** Part of the cache writes: kept for an hour. */
  readonly cacheWrite1hInputTokens?: number
  /** Part of the input, cached or not: audio. */
  readonly audioInputTokens?: number
  /** Part of the audio input and of the cache reads. */
  readonly audioCacheReadInputTokens?: number
  /** Part of the output: audio. */
  readonly audioOutputTokens?: number
  /** Part of the input, cached or not: images. */
  readonly imageInputTokens?: number
  /** Part of the image input and of the cache reads. */
  readonly imageCacheReadInputTokens?: number
  /** Part of the output: images. */
  readonly imageOutputTokens?: number
  /** The tier of service that answered, as the provider names it: `batch`, `flex`, `priority` … @defaultValue the standard one */
  readonly serviceTier?: string
}

/** Tokens and cost of one model call. Details are parts of the totals. */
export interface Usage extends UsageDetails {
  /** All input tokens, cached ones included. */
  readonly inputTokens?: number
  /** All output tokens, reasoning included. */
  readonly outputTokens?: number
  /** Part of the input: read from the provider's cache. */
  readonly cacheReadInputTokens?: number
  /** Part of the input: written to the provider's cache. */
  readonly cacheWriteInputTokens?: number
  /** Part of the output: reasoning. */
  readonly reasoningOutputTokens?: number
  /** US dollars, as the provider reported them. */
  readonly costUsd?: number
}

/** Sums over a run, as far as this process knows it. */
export interface RunTotals extends Required<Omit<Usage, 'costUsd' | keyof UsageDetails>> {
  /** US dollars; `undefined` where nothing could be priced. */
  readonly costUsd: number | undefined
  /** Billionths of a US dollar, exact; `undefined` where nothing could be priced. */
  readonly costNanoUsd: bigint | undefined
  /** Model calls, each once, failed ones included. */
  readonly llmCalls: number
  /** Tool calls, failed ones included. */
  readonly toolCalls: number
  /** Failures, each counted on the innermost span that reports it. */
  readonly errors: number
  /** Spans of this run in this process, the root included. */
  readonly spans: number
  /** False where a part may be missing. */
  readonly complete: boolean
  /** What the processor's `detail` asks for. */
  readonly detail?: RunDetail
}

/** What is kept beside the sums where the processor's `detail` asks for it. */
export interface RunDetail {
  /** Cost by what it was charged for, in billionths of a US dollar; the parts add up to the cost. */
  readonly costs?: readonly { readonly bucket: keyof typeof ATTRS_RUNSPAN_COST_OF_BUCKET; readonly nanoUsd: bigint }[]
  /** In the order of their first calls; past 32 models the rest stands under the model `_OTHER`, with what came home. */
  readonly models?: readonly ModelTotals[]
  /** Tool calls by tool; past 64 tools the rest stands under `_OTHER`, with what came home. */
  readonly tools?: readonly { readonly name: string; readonly calls: number }[]
  /** Failures by `error.type`; past 32 types the rest stands under `_OTHER`, with what came home. */
  readonly errors?: readonly { readonly type: string; readonly count: number }[]
  readonly family?: FamilyTotals
}

/** The calls of one model. */
export interface ModelTotals extends Required<Omit<Usage, 'costUsd' | keyof UsageDetails>> {
  /** `gen_ai.operation.name` */
  readonly operation?: string
  readonly provider?: string
  /** The model that answered, where the span says so, else the one that was asked for. */
  readonly model?: string
  readonly llmCalls: number
  /** Billionths of a US dollar; `undefined` where nothing could be priced. */
  readonly costNanoUsd: bigint | undefined
}

/** A run and those of its linked descendants that ended before it in this process. */
export interface FamilyTotals {
  readonly runs: number
  readonly llmCalls: number
  readonly inputTokens: number
  readonly outputTokens: number
  /** Billionths of a US dollar; `undefined` where nothing could be priced. */
  readonly costNanoUsd: bigint | undefined
}

/** How far a run has come, for whoever watches it. */
export interface RunProgress {
  /** Spans that have ended. */
  readonly spans: number
  /** Span events of those. */
  readonly events: number
  readonly llmCalls: number
  readonly toolCalls: number
  /** Tool calls that came to a result, and not to a failure. */
  readonly toolResults: number
  /** Requests that were sent again. */
  readonly retries: number
  /** When the latest span ended, in milliseconds since the epoch. */
  readonly lastEndUnixMillis: number | undefined
  /** From the run's start to the first chunk that a model streamed, in milliseconds. */
  readonly timeToFirstChunkMillis: number | undefined
}

/** A run that has ended. */
export interface RunSummary {
  readonly runId: string
  readonly status: RunStatus
  readonly durationMillis: number
  readonly totals: RunTotals
  /** What was thrown or given to `setError`, as the same object. */
  readonly error?: unknown
}

/**
 * What a run may use at most, as far as this process counts it. A run that goes over is told so by its `signal`; what
 * listens to that stops. Each limit may be reached and not passed.
 */
export interface RunBudget {
  /** US dollars. Calls that nobody can price do not count. */
  readonly costUsd?: number | undefined
  readonly inputTokens?: number | undefined
  readonly outputTokens?: number | undefined
  /** Input and output. */
  readonly totalTokens?: number | undefined
  readonly llmCalls?: number | undefined
  readonly toolCalls?: number | undefined
}

/** Options of `wrapAgent` and `startRun`. */
export interface RunOptions<I = unknown> {
  /** The run id to use, 32 hex digits or dashed UUID. Kept where a `RunIdGenerator` is installed and the id is new. */
  readonly runId?: string | undefined
  /** Which delivery of the same job this is, from 1. Above 1 the run gets an id of its own and a `retry` link. @defaultValue 1 */
  readonly attempt?: number | undefined
  /** The ref of `run.spawn()`: this run is that child. */
  readonly from?: RunRef | undefined
  /** The run that started this one. Left out: the enclosing run, if any. `null`: none. */
  readonly parentRunId?: RunTarget | null | undefined
  /** `gen_ai.conversation.id` on every span of this process's part. */
  readonly conversationId?: string | undefined
  /** `user.id` on every span of this process's part. */
  readonly userId?: string | undefined
  /** `runspan.agent.version` */
  readonly agentVersion?: string | undefined
  /** What the run is to achieve: `runspan.run.goal`. Content. */
  readonly goal?: string | undefined
  /** What the agent was given: `run.input`, and `runspan.input` on the root. Content. */
  readonly input?: I | undefined
  /** `runspan.metadata.{key}` on the root. Content. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined
  /** Further attributes of the root, given at its start so that samplers see them. */
  readonly attributes?: Attributes | undefined
  /** Further links of the root, given at its start so that samplers see them. */
  readonly links?: readonly RunLink[] | undefined
  /** Cancels the run: `run.signal` follows it, and a rejection with its reason is `cancelled` or `timeout`. */
  readonly signal?: AbortSignal | undefined
  /** After how many milliseconds without a read a returned stream counts as abandoned. @defaultValue 300_000 */
  readonly streamIdleMillis?: number | undefined
  /** What the run may use at most, linked runs not included. Needs a `RunRollupProcessor`. @defaultValue no limit */
  readonly budget?: RunBudget | undefined
  /** After how many milliseconds without a span the run counts as abandoned. @defaultValue 86_400_000 */
  readonly abandonAfterMillis?: number | undefined
  /**
   * Whether the run leaves a span `runspan started` at once, by which it is seen while it is open.
   *
   * @defaultValue as `startMarkers` of `configureRunspan` says: true for `startRun` and with `from`
   */
  readonly startMarker?: boolean | undefined
  /** Whether what was active at the start keeps a dispatch span. @defaultValue true */
  readonly dispatchSpan?: boolean | undefined
  /** Called once when the run has ended. What it throws is counted, never passed on. */
  readonly onEnd?: ((summary: RunSummary) => void) | undefined
  /** The tracer to use. @defaultValue the registered provider's, looked up per run */
  readonly tracer?: Tracer | undefined
  /** The provider to use, where no `tracer` is given. @defaultValue the registered one */
  readonly tracerProvider?: TracerProvider | undefined
}

/** What can be said about a span while its work goes on. Every method is harmless after the end, and returns the handle. */
export interface WorkSpan {
  /** 16 hex digits. */
  readonly spanId: string
  /** Records what the work was given. Content. */
  setInput(value: unknown): this
  /** Records what the work resulted in; wins over the return value. Content. */
  setOutput(value: unknown): this
  /** Sets an attribute of the span. */
  setAttribute(key: string, value: AttributeValue): this
  /** Records tokens and cost of the model call that this span stands for. */
  setUsage(usage: Usage & { readonly model?: string; readonly provider?: string }): this
  /** Marks the work as failed although it returns. */
  setError(error: unknown): this
  /** Adds a span event: a domain event of the application's own. */
  event(name: string, attributes?: Attributes): this
}

/** The run that code is in. */
export interface Run<I = unknown> extends WorkSpan {
  /** 32 lower-case hex digits: the trace id. */
  readonly runId: string
  /** False where nothing is recorded: no provider, or dropped by the sampler. What is recorded need not be exported. */
  readonly recorded: boolean
  /** Names this run for other processes. Reading it is taken as a sign that parts may be done elsewhere. */
  readonly ref: RunRef
  readonly input: I
  /** Aborts with `options.signal`, when somebody else ends the run, and when the run goes over its budget. */
  readonly signal: AbortSignal
  /** True in a joined part of a run that another process or caller owns. */
  readonly joined: boolean
  /** Live snapshot. */
  readonly totals: RunTotals
  /** How far the run has come, live. */
  readonly progress: RunProgress
  /** Resolves when the run has ended; never rejects. */
  readonly ended: Promise<RunSummary>
  /** Adds metadata to the root. Content. */
  setMetadata(metadata: Readonly<Record<string, unknown>>): this
  /** Decides the status, whatever the function returns. */
  setStatus(status: Exclude<RunStatus, 'abandoned'>, reason?: string): this
  addLink(link: RunLink): this
  /** Mints a child run's id and shows the hand-over in this trace at once; the child starts with `{ from: ref }`. */
  spawn(
    agentName: string,
    options?: { readonly goal?: string; readonly metadata?: Readonly<Record<string, unknown>> },
  ): RunRef
  /** `withSpan` in this run, also where its context is not active. */
  span<R>(name: string, fn: (span: WorkSpan) => R, options?: SpanInit): R
}

/** A run that is ended by hand. */
export interface OpenRun<I = unknown> extends Run<I>, Disposable {
  /** Runs `fn` inside the run. */
  with<R>(fn: () => R): R
  /** Moves the right to end the run into the returned ref; this process forgets the run. */
  handOff(): RunRef
  /** Ends the run. A second call is a counted no-op that returns the first summary. */
  end(outcome?: RunOutcome): RunSummary
}

/** How a run ended, for `end` and `endRun`. An `error` decides the status where none is given. */
export interface RunOutcome {
  readonly status?: RunStatus
  readonly output?: unknown
  readonly error?: unknown
  readonly metadata?: Readonly<Record<string, unknown>>
  readonly endTime?: TimeInput
}

/** What `wrapAgent` resolves to. */
export interface RunResult<T> {
  readonly result: T
  readonly runId: string
  /** Resolves when the run has ended, for a stream after its last chunk; never rejects. */
  readonly ended: Promise<RunSummary>
}

/** How a span inside a run begins. */
export interface SpanInit {
  /** @defaultValue 'function' for `withSpan`, `trace` and `joinRun` */
  readonly type?: WorkType
  /** `gen_ai.tool.name`. @defaultValue the name */
  readonly toolName?: string
  /** Recorded as `setInput` would. Content. */
  readonly input?: unknown
  /** Given at the start, so that samplers see them. */
  readonly attributes?: Attributes
}

/** How a joined part begins. */
export interface JoinOptions extends SpanInit {
  /** Name of the segment's root span. @defaultValue `invoke_agent {agent}` of the ref, else `join` */
  readonly name?: string
}

/** How a model call begins. */
export interface LlmInit<R> extends SpanInit {
  /** `gen_ai.request.model` */
  readonly model?: string
  /** `gen_ai.provider.name` */
  readonly provider?: string
  /** Reads the usage from a result of an unknown shape. OpenAI, Anthropic, Google and AI SDK shapes are known. */
  readonly extractUsage?: (result: R) => Usage | undefined
}
