import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { afterAll, describe, expect, it } from 'vitest'

import { stagePackage } from '../lanes/staged-package.ts'

const staged = stagePackage()
afterAll(() => staged[Symbol.dispose]())

const manifest = JSON.parse(readFileSync(join(staged.folder, 'package.json'), 'utf8')) as {
  readonly exports: Readonly<Record<string, string>>
}
/** Importing `runspan/register` does something. */
const libraries = Object.keys(manifest.exports).filter((path) => path !== './package.json' && path !== './register')

// A new subpath or name shows up below, in a diff that somebody reads: vitest -u writes it.
describe('the public names', () => {
  it('stand behind these subpaths', () => {
    expect(Object.keys(manifest.exports)).toMatchInlineSnapshot(`
      [
        ".",
        "./attributes",
        "./node",
        "./export",
        "./register",
        "./middleware",
        "./receiver",
        "./query",
        "./readers",
        "./cli",
        "./package.json",
      ]
    `)
  })

  it('of runspan are these', () => {
    expect(declaredNames('.')).toMatchInlineSnapshot(`
      {
        "types": [
          "Adopt",
          "BaggageKey",
          "CallDetails",
          "Carrier",
          "ContentCapture",
          "CountReason",
          "ExpressRequest",
          "ExpressResponse",
          "FamilyTotals",
          "Feedback",
          "Finding",
          "HoldLimits",
          "IdGeneratorLike",
          "InjectOptions",
          "JoinOptions",
          "KeepRules",
          "LinkType",
          "LlmFetchOptions",
          "LlmInit",
          "LongCallPrices",
          "MessageAttribute",
          "Middleware",
          "ModelPrice",
          "ModelTotals",
          "OpenRun",
          "PriceFunction",
          "PriceSource",
          "PriceTable",
          "PricedCall",
          "PropagationOptions",
          "ReadableSpanLike",
          "Redact",
          "RedactionSite",
          "ReplyOptions",
          "RollupDetail",
          "RollupOptions",
          "Run",
          "RunBudget",
          "RunDetail",
          "RunLink",
          "RunOptions",
          "RunOutcome",
          "RunProgress",
          "RunRef",
          "RunResult",
          "RunSamplerOptions",
          "RunSamplingOptions",
          "RunStatus",
          "RunSummary",
          "RunTarget",
          "RunTotals",
          "RunspanErrorCode",
          "RunspanOptions",
          "RunspanStats",
          "SampledRun",
          "SamplerLike",
          "SamplingResultLike",
          "SpanExplanation",
          "SpanInit",
          "StartMarkers",
          "TokenPrices",
          "Trust",
          "TrustKey",
          "TrustedRequest",
          "Usage",
          "UsageDetails",
          "WithRunEnv",
          "WorkSpan",
          "WorkType",
        ],
        "values": [
          "RunIdGenerator",
          "RunRollupProcessor",
          "RunSampler",
          "RunSamplingProcessor",
          "RunspanError",
          "bindRun",
          "configureRunspan",
          "currentRun",
          "currentRunId",
          "currentSpan",
          "doctor",
          "endRun",
          "explainSpan",
          "expressMiddleware",
          "extractRun",
          "injectRun",
          "injectTotals",
          "joinRun",
          "llm",
          "llmFetch",
          "newRunId",
          "propagationAttributes",
          "propagationHeaders",
          "recordFeedback",
          "recordLlmCall",
          "recordToolCall",
          "retrieval",
          "runIdOf",
          "startRun",
          "stats",
          "takeTotals",
          "tool",
          "trace",
          "withRunEnv",
          "withSpan",
          "wrapAgent",
        ],
      }
    `)
  })

  it('of runspan/attributes are these', () => {
    expect(declaredNames('./attributes')).toMatchInlineSnapshot(`
      {
        "types": [],
        "values": [
          "ALIASES_OF_AI_SDK",
          "ALIASES_OF_CLAUDE_CODE",
          "ALIASES_OF_CONTENT",
          "ALIASES_OF_DETAILS",
          "ALIASES_OF_FIRST_CHUNK_MILLIS",
          "ALIASES_OF_MODEL",
          "ALIASES_OF_PROVIDER",
          "ALIASES_OF_ROLE",
          "ALIASES_OF_SERVICE_TIER",
          "ALIASES_OF_TOOL_NAME",
          "ALIASES_OF_USAGE",
          "ALIASES_OF_USAGE_MAPS",
          "ALIAS_ADK_RESPONSE",
          "ALIAS_COST_CURRENCY",
          "ATTRS_RUNSPAN_COST_OF_BUCKET",
          "ATTR_ERROR_TYPE",
          "ATTR_EXCEPTION_MESSAGE",
          "ATTR_EXCEPTION_STACKTRACE",
          "ATTR_EXCEPTION_TYPE",
          "ATTR_GEN_AI_AGENT_NAME",
          "ATTR_GEN_AI_CONVERSATION_ID",
          "ATTR_GEN_AI_EVALUATION_EXPLANATION",
          "ATTR_GEN_AI_EVALUATION_NAME",
          "ATTR_GEN_AI_EVALUATION_SCORE_LABEL",
          "ATTR_GEN_AI_EVALUATION_SCORE_VALUE",
          "ATTR_GEN_AI_INPUT_MESSAGES",
          "ATTR_GEN_AI_OPERATION_NAME",
          "ATTR_GEN_AI_OUTPUT_MESSAGES",
          "ATTR_GEN_AI_PROVIDER_NAME",
          "ATTR_GEN_AI_REQUEST_MODEL",
          "ATTR_GEN_AI_RESPONSE_FINISH_REASONS",
          "ATTR_GEN_AI_RESPONSE_ID",
          "ATTR_GEN_AI_RESPONSE_MODEL",
          "ATTR_GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK",
          "ATTR_GEN_AI_TOKEN_MODALITY",
          "ATTR_GEN_AI_TOOL_CALL_ARGUMENTS",
          "ATTR_GEN_AI_TOOL_CALL_RESULT",
          "ATTR_GEN_AI_TOOL_NAME",
          "ATTR_GEN_AI_USAGE_AUDIO_CACHE_READ_INPUT_TOKENS",
          "ATTR_GEN_AI_USAGE_AUDIO_INPUT_TOKENS",
          "ATTR_GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS",
          "ATTR_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS",
          "ATTR_GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS",
          "ATTR_GEN_AI_USAGE_IMAGE_CACHE_READ_INPUT_TOKENS",
          "ATTR_GEN_AI_USAGE_IMAGE_INPUT_TOKENS",
          "ATTR_GEN_AI_USAGE_IMAGE_OUTPUT_TOKENS",
          "ATTR_GEN_AI_USAGE_INPUT_TOKENS",
          "ATTR_GEN_AI_USAGE_OUTPUT_TOKENS",
          "ATTR_GEN_AI_USAGE_REASONING_OUTPUT_TOKENS",
          "ATTR_HTTP_REQUEST_METHOD",
          "ATTR_HTTP_REQUEST_RESEND_COUNT",
          "ATTR_HTTP_RESPONSE_STATUS_CODE",
          "ATTR_HTTP_ROUTE",
          "ATTR_OTEL_COMPONENT_NAME",
          "ATTR_OTEL_COMPONENT_TYPE",
          "ATTR_PREFIX_RUNSPAN_LATE",
          "ATTR_PREFIX_RUNSPAN_METADATA",
          "ATTR_RUNSPAN_ADOPTED",
          "ATTR_RUNSPAN_AGENT_VERSION",
          "ATTR_RUNSPAN_CALLS_LLM",
          "ATTR_RUNSPAN_CALLS_TOOL",
          "ATTR_RUNSPAN_CALLS_UNPRICED",
          "ATTR_RUNSPAN_CALL_CACHE_WRITE_1H_INPUT_TOKENS",
          "ATTR_RUNSPAN_CALL_COST_NANO_USD",
          "ATTR_RUNSPAN_CALL_SERVICE_TIER",
          "ATTR_RUNSPAN_CHILD_RUN_ID",
          "ATTR_RUNSPAN_COST_NANO_USD",
          "ATTR_RUNSPAN_COST_PRICE_TABLE",
          "ATTR_RUNSPAN_COST_SOURCE",
          "ATTR_RUNSPAN_COST_UNPRICED_MODELS",
          "ATTR_RUNSPAN_COST_USD",
          "ATTR_RUNSPAN_DETAIL_ERRORS",
          "ATTR_RUNSPAN_DETAIL_MODELS",
          "ATTR_RUNSPAN_DETAIL_TOOLS",
          "ATTR_RUNSPAN_END_REASON",
          "ATTR_RUNSPAN_ERRORS",
          "ATTR_RUNSPAN_FAMILY_COST_NANO_USD",
          "ATTR_RUNSPAN_FAMILY_INPUT_TOKENS",
          "ATTR_RUNSPAN_FAMILY_OUTPUT_TOKENS",
          "ATTR_RUNSPAN_FAMILY_RUNS",
          "ATTR_RUNSPAN_FIRST_RUN_ID",
          "ATTR_RUNSPAN_INPUT",
          "ATTR_RUNSPAN_JOIN_REFUSED",
          "ATTR_RUNSPAN_LINK_TYPE",
          "ATTR_RUNSPAN_OUTPUT",
          "ATTR_RUNSPAN_PARENT_RUN_ID",
          "ATTR_RUNSPAN_REQUESTED_RUN_ID",
          "ATTR_RUNSPAN_RETRIES",
          "ATTR_RUNSPAN_REVIEWER_ID",
          "ATTR_RUNSPAN_REVIEWER_KIND",
          "ATTR_RUNSPAN_ROLLUP_AGENT_SPAN_IDS",
          "ATTR_RUNSPAN_ROLLUP_CARRIED_USAGE",
          "ATTR_RUNSPAN_ROLLUP_COMPLETE",
          "ATTR_RUNSPAN_ROLLUP_INCOMPLETE_REASONS",
          "ATTR_RUNSPAN_ROLLUP_OPEN_SPANS",
          "ATTR_RUNSPAN_ROLLUP_REMOTE_SEGMENTS",
          "ATTR_RUNSPAN_ROLLUP_REMOTE_SEGMENT_IDS",
          "ATTR_RUNSPAN_ROLLUP_SCOPE",
          "ATTR_RUNSPAN_ROLLUP_SUPPRESSED_SPANS",
          "ATTR_RUNSPAN_ROOT_RUN_ID",
          "ATTR_RUNSPAN_RUN_ATTEMPT",
          "ATTR_RUNSPAN_RUN_DETACHED",
          "ATTR_RUNSPAN_RUN_GOAL",
          "ATTR_RUNSPAN_RUN_ID",
          "ATTR_RUNSPAN_RUN_OPEN",
          "ATTR_RUNSPAN_RUN_STATUS",
          "ATTR_RUNSPAN_RUN_STATUS_REASON",
          "ATTR_RUNSPAN_SAMPLING_DROPPED_SPANS",
          "ATTR_RUNSPAN_SAMPLING_REASON",
          "ATTR_RUNSPAN_SEGMENT",
          "ATTR_RUNSPAN_SEGMENT_LOCAL",
          "ATTR_RUNSPAN_SPANS",
          "ATTR_RUNSPAN_TARGET_RUN_ID",
          "ATTR_RUNSPAN_TIME_TO_FIRST_CHUNK",
          "ATTR_RUNSPAN_USAGE_CACHE_READ_INPUT_TOKENS",
          "ATTR_RUNSPAN_USAGE_CACHE_WRITE_INPUT_TOKENS",
          "ATTR_RUNSPAN_USAGE_INPUT_TOKENS",
          "ATTR_RUNSPAN_USAGE_OUTPUT_TOKENS",
          "ATTR_RUNSPAN_USAGE_REASONING_OUTPUT_TOKENS",
          "ATTR_SERVER_ADDRESS",
          "ATTR_SERVER_PORT",
          "ATTR_URL_PATH",
          "ATTR_URL_SCHEME",
          "ATTR_USER_ID",
          "EVENT_EXCEPTION",
          "EVENT_GEN_AI_EVALUATION_RESULT",
          "SPAN_RUNSPAN_AMENDMENT",
          "SPAN_RUNSPAN_CHECKPOINT",
          "SPAN_RUNSPAN_STARTED",
        ],
      }
    `)
  })

  it('of runspan/node are these', () => {
    expect(declaredNames('./node')).toMatchInlineSnapshot(`
      {
        "types": [
          "CarryOptions",
          "CarryTarget",
          "ExportResultLike",
          "FlushAfterOptions",
          "FlushReport",
          "Flushable",
          "RegisterOptions",
          "RegisterSamplingOptions",
          "RegisteredRunspan",
          "SamplerLike",
          "SpanExporterLike",
          "SpanProcessorLike",
          "WaitUntil",
        ],
        "values": [
          "carryRuns",
          "carryingFetch",
          "carryingInterceptor",
          "flushAfter",
          "flushAfterLambda",
          "flushAfterResponse",
          "registerRunspan",
        ],
      }
    `)
  })

  it('of runspan/receiver are these', () => {
    expect(declaredNames('./receiver')).toMatchInlineSnapshot(`
      {
        "types": [
          "Receiver",
          "ReceiverOptions",
          "SpanSink",
          "StoredSpan",
        ],
        "values": [
          "startReceiver",
        ],
      }
    `)
  })

  it('of runspan/query are these', () => {
    expect(declaredNames('./query')).toMatchInlineSnapshot(`
      {
        "types": [
          "AbsentNode",
          "AgentPart",
          "CostSource",
          "Dispatch",
          "Family",
          "FamilyFlag",
          "FamilyNode",
          "FamilyOptions",
          "ForeignPart",
          "ForeignWork",
          "FoundThreads",
          "FoundTraces",
          "Gap",
          "GetRunOptions",
          "IterateSpansOptions",
          "ListedRun",
          "ListedThread",
          "NamingKey",
          "Page",
          "PageFlag",
          "PageRequest",
          "ParentRun",
          "Part",
          "Review",
          "RunDescription",
          "RunFilter",
          "RunFlag",
          "RunNode",
          "RunReader",
          "RunTree",
          "Segment",
          "SpanNode",
          "SpanSource",
          "StoredAttributes",
          "StoredEvent",
          "StoredFamily",
          "StoredLink",
          "StoredResource",
          "StoredRun",
          "StoredScope",
          "StoredSpan",
          "StoredSpanKind",
          "StoredStatus",
          "StoredThread",
          "StoredTrace",
          "StoredValue",
          "ThreadFilter",
          "ThreadOptions",
          "ThreadQuery",
          "Totals",
          "TraceOutline",
          "WalkPagesOptions",
        ],
        "values": [
          "buildFamilies",
          "createRunReader",
          "findFamily",
          "runTreesOf",
          "spanForest",
          "storedTraceOf",
          "walkFamily",
          "walkPages",
        ],
      }
    `)
  })

  it('of runspan/cli are these', () => {
    expect(declaredNames('./cli')).toMatchInlineSnapshot(`
      {
        "types": [
          "RenderFamilyOptions",
          "RenderRunOptions",
        ],
        "values": [
          "renderFamily",
          "renderRun",
        ],
      }
    `)
  })

  it('of runspan/register are none', () => {
    expect(declaredNames('./register')).toEqual({ values: [], types: [] })
  })

  it.each(libraries)('of %s are there at run time as they are declared', async (subpath) => {
    const values = Object.keys((await import(pathToFileURL(fileOf(subpath)).href)) as object)
    expect(values.toSorted()).toEqual(declaredNames(subpath).values)
  })
})

function fileOf(subpath: string): string {
  return join(staged.folder, manifest.exports[subpath]!)
}

/** The names that an entry's declarations export, in lists or one by one. */
function declaredNames(subpath: string): { readonly values: readonly string[]; readonly types: readonly string[] } {
  const text = readFileSync(fileOf(subpath).replace(/\.js$/, '.d.ts'), 'utf8')
  const values: string[] = []
  const types: string[] = []
  for (const [, isTypeList, list] of text.matchAll(/^export (type )?\{([^}]*)\} from/gm)) {
    for (const entry of list!.split(',')) {
      const [, isType, name] = /^\s*(type )?(\w+)\s*$/.exec(entry) ?? []
      if (name !== undefined) (isTypeList !== undefined || isType !== undefined ? types : values).push(name)
    }
  }
  for (const [, what, name] of text.matchAll(/^export (?:declare )?(const|function|class|interface|type) (\w+)/gm)) {
    ;(what === 'interface' || what === 'type' ? types : values).push(name!)
  }
  return { values: values.toSorted(), types: types.toSorted() }
}
