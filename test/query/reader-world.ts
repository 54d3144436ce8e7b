import type { StoredAttributes, StoredSpan } from '../../src/query/stored-span.ts'
import { amendment, dispatch, root, segment, span, type RootInit } from './stored-spans.ts'

/** Run ids of the world that every reader is shown. Two begin with zeros, which stores like to lose. */
export const ids = {
  planner: `00aa${'0a'.repeat(14)}`,
  executor: `0b${'b1'.repeat(15)}`,
  secondExecutor: 'b2'.repeat(16),
  critic: 'c1'.repeat(16),
  fetcher: 'd1'.repeat(16),
  writer: 'e1'.repeat(16),
  open: 'f1'.repeat(16),
  kept: '1a'.repeat(16),
  requested: '1b'.repeat(16),
  childOfRequested: '1c'.repeat(16),
  lost: '2a'.repeat(16),
  repeated: '2b'.repeat(16),
  repeatedAgain: '2c'.repeat(16),
  gone: '3a'.repeat(16),
  leftOne: '3b'.repeat(16),
  leftTwo: '3c'.repeat(16),
  dangling: '4a'.repeat(16),
  late: '5a'.repeat(16),
  home: '5b'.repeat(16),
  foreign: '5c'.repeat(16),
  long: '6a'.repeat(16),
  circleOne: '7a'.repeat(16),
  circleTwo: '7b'.repeat(16),
  noRun: '8a'.repeat(16),
  nobody: '9a'.repeat(16),
} as const

/** Spans of the long run, its root included. */
export const longRunSpans = 2_300
/** Runs of the long thread. */
export const threadRuns = 25

/** Spans as exporters send them: in no order, some twice, a service on each. */
export function readerWorld(): readonly StoredSpan[] {
  return (world ??= build())
}

// Once, so that its span ids are those in the recorded answers.
let world: readonly StoredSpan[] | undefined

function build(): readonly StoredSpan[] {
  const spans = [
    ...plannersFamily(),
    ...keptFamily(),
    ...runs(),
    ...longRun(),
    ...thread(),
    span(ids.noRun, { name: 'GET /health', kind: 'server', from: 10, to: 11, service: 'web' }),
  ]
  const copies = spans.filter((_, at) => at % 5 === 0)
  return [...spans.toReversed(), ...copies]
}

function plannersFamily(): StoredSpan[] {
  const planner = run(ids.planner, {
    agent: 'planner',
    goal: 'Plan the week',
    from: 1_000,
    to: 2_000,
    totals: { input: 100, output: 10, nanoUsd: 5_000, source: 'priced', llm: 1, spans: 8, complete: false },
    attributes: { 'gen_ai.conversation.id': 'c-1', 'user.id': 'u-1', 'runspan.input': '"find a FERRY"' },
  })
  const ofPlanner = { 'runspan.parent_run.id': ids.planner, 'runspan.root_run.id': ids.planner }
  return [
    planner,
    span(ids.planner, {
      name: 'chat small',
      kind: 'client',
      parentSpanId: planner.spanId,
      from: 1_010,
      to: 1_050,
      service: 'planning',
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.usage.input_tokens': 100,
        'app.ratio': 0.25,
        'app.flag': true,
        'app.tags': ['a', 'b'],
      },
      events: [{ name: 'first token', timeUnixNano: planner.startUnixNano + 15_000_001n, attributes: { n: 1 } }],
    }),
    // Joined work of another service: in the run's totals, not in its own.
    segment(ids.planner, {
      name: 'join search',
      parentSpanId: planner.spanId,
      from: 1_100,
      to: 1_200,
      service: 'search',
      totals: { input: 7, nanoUsd: 300, source: 'priced', llm: 1, spans: 1 },
    }),
    dispatch(ids.planner, ids.executor, { agent: 'executor', from: 1_200, to: 1_400, service: 'planning' }),
    dispatch(ids.planner, ids.critic, { agent: 'critic', from: 1_400, to: 1_500, service: 'planning' }),
    dispatch(ids.planner, ids.open, { agent: 'watcher', from: 1_500, to: 1_510, service: 'planning' }),
    dispatch(ids.planner, ids.writer, {
      agent: 'writer',
      goal: 'Write it down',
      kind: 'producer',
      from: 1_600,
      to: 1_600,
      service: 'planning',
    }),
    run(ids.executor, {
      agent: 'executor',
      from: 1_210,
      to: 1_390,
      totals: { input: 1_000, output: 50, nanoUsd: 70_000, source: 'priced', llm: 2, tools: 1, spans: 5 },
      attributes: { ...ofPlanner, 'gen_ai.conversation.id': 'c-1', 'user.id': 'u-1' },
    }),
    run(ids.secondExecutor, {
      agent: 'executor',
      from: 1_700,
      to: 1_800,
      totals: { input: 2_000, nanoUsd: 90_000, source: 'priced', llm: 2, spans: 3 },
      attributes: { ...ofPlanner, 'runspan.first_run.id': ids.executor, 'runspan.run.attempt': 2 },
    }),
    run(ids.critic, {
      agent: 'critic',
      from: 1_410,
      to: 1_490,
      runStatus: 'failed',
      status: { code: 'error', message: 'rate limit exceeded' },
      totals: { input: 10, errors: 1, llm: 1, unpriced: 1, source: 'unpriced', spans: 2 },
      attributes: { ...ofPlanner, 'error.type': 'RateLimitError' },
    }),
    run(ids.fetcher, {
      agent: 'fetcher',
      from: 1_250,
      to: 1_300,
      totals: { input: 10_000, nanoUsd: 600_000, source: 'priced', llm: 1, spans: 2 },
      attributes: { 'runspan.parent_run.id': ids.executor, 'runspan.root_run.id': ids.planner },
    }),
    // A run that has not ended: no root, and nothing but its trace state says that it is one.
    span(ids.open, {
      name: 'chat small',
      kind: 'client',
      parentSpanId: ids.open.slice(16),
      traceState: `vendor=x,runspan=${ids.open.slice(16)}`,
      from: 1_505,
      to: 1_509,
      service: 'watching',
      attributes: { 'gen_ai.operation.name': 'chat', 'user.id': 'u-1' },
    }),
    review('ab', ids.planner, 3_000, { 'gen_ai.evaluation.score.label': 'good', 'gen_ai.evaluation.score.value': 0.5 }),
    review('ac', ids.planner, 4_000, {
      'gen_ai.evaluation.name': 'review',
      'gen_ai.evaluation.explanation': 'Too long.',
      'runspan.reviewer.id': 'judge',
      'runspan.reviewer.kind': 'agent',
    }),
  ]
}

function keptFamily(): StoredSpan[] {
  return [
    run(ids.kept, {
      agent: 'importer',
      from: 5_000,
      to: 5_100,
      attributes: { 'runspan.requested_run.id': ids.requested },
    }),
    run(ids.childOfRequested, { agent: 'loader', from: 5_010, to: 5_020, parent: ids.requested }),
    review('ad', ids.requested, 5_200, { 'gen_ai.evaluation.score.label': 'bad' }),
  ]
}

function runs(): StoredSpan[] {
  const late = run(ids.late, {
    agent: 'late',
    from: 7_000,
    to: 7_100,
    totals: { input: 1, llm: 1, spans: 2, open: 1, complete: false },
  })
  return [
    // The first delivery crashed before anything of it was exported.
    run(ids.repeated, {
      agent: 'job',
      from: 6_000,
      to: 6_100,
      attributes: { 'runspan.first_run.id': ids.lost, 'runspan.run.attempt': 2 },
    }),
    run(ids.repeatedAgain, {
      agent: 'job',
      from: 6_110,
      to: 6_120,
      attributes: { 'runspan.first_run.id': ids.lost, 'runspan.run.attempt': 3 },
    }),
    run(ids.leftOne, {
      agent: 'left',
      from: 6_200,
      to: 6_300,
      parent: ids.gone,
      totals: { input: 3, llm: 1, spans: 1 },
    }),
    run(ids.leftTwo, {
      agent: 'left',
      from: 6_250,
      to: 6_350,
      parent: ids.gone,
      totals: { input: 4, llm: 1, spans: 1 },
    }),
    run(ids.dangling, { agent: 'clerk', from: 6_400, to: 6_450, parent: 'order-7' }),
    late,
    amendment(late, { input: 20, llm: 1, spans: 1 }, { from: 7_200, service: 'agents' }),
    ...runThatHasItsPart(),
    ...runWithAForeignPart(),
    run(ids.circleOne, { agent: 'round', from: 7_300, to: 7_310, parent: ids.circleTwo }),
    run(ids.circleTwo, { agent: 'round', from: 7_320, to: 7_330, parent: ids.circleOne }),
  ]
}

/** A run whose rollup holds the numbers of a part that another service did: they came back with its answer. */
function runThatHasItsPart(): StoredSpan[] {
  const part = segment(ids.home, {
    parentSpanId: ids.home.slice(16),
    from: 7_220,
    to: 7_230,
    service: 'search',
    totals: { input: 7, llm: 1, spans: 1 },
  })
  const attributes = { 'runspan.rollup.remote_segments': 1, 'runspan.rollup.remote_segment_ids': [part.spanId] }
  return [
    run(ids.home, { agent: 'home', from: 7_210, to: 7_250, totals: { input: 10, llm: 2, spans: 2 }, attributes }),
    part,
  ]
}

/** A run on which a service without Runspan has worked: its call is in no rollup. */
function runWithAForeignPart(): StoredSpan[] {
  const totals = { input: 1, llm: 1, spans: 1, complete: false }
  const top = run(ids.foreign, { agent: 'asker', from: 7_260, to: 7_290, totals })
  const known = { service: 'summaries', attributes: {} }
  const server = span(ids.foreign, {
    ...known,
    name: 'POST /summaries',
    kind: 'server',
    parentSpanId: top.spanId,
    flags: 0x301,
    from: 7_262,
    to: 7_280,
  })
  const attributes = { 'gen_ai.operation.name': 'chat', 'gen_ai.usage.input_tokens': 40 }
  const call = { ...known, name: 'chat', parentSpanId: server.spanId, flags: 0x101, from: 7_264, to: 7_270, attributes }
  return [top, server, span(ids.foreign, { ...call, kind: 'client' })]
}

/** Tools in chains of ten, so that parents and children fall on different pages. */
function longRun(): StoredSpan[] {
  const top = run(ids.long, {
    agent: 'long',
    from: 8_000,
    to: 18_000,
    totals: { tools: longRunSpans - 1, spans: longRunSpans },
  })
  const spans = [top]
  for (let at = 1; at < longRunSpans; at++) {
    const parent = at % 10 === 1 ? top : spans.at(-1)!
    // Several start in the same nanosecond: the id decides.
    const from = 8_000 + Math.floor(at / 3)
    spans.push(
      span(ids.long, {
        name: `execute_tool t${at}`,
        parentSpanId: parent.spanId,
        from,
        to: from + 5,
        service: 'agents',
      }),
    )
  }
  return spans
}

function thread(): StoredSpan[] {
  return Array.from({ length: threadRuns }, (_, at) =>
    run((0x5000 + at).toString(16).padStart(4, '0').repeat(8), {
      agent: at === 0 ? 'greeter' : 'helper',
      from: 20_000 + 100 * at,
      to: 20_050 + 100 * at,
      totals: { input: 1, llm: 1, spans: 1 },
      attributes: { 'gen_ai.conversation.id': 'c-2', 'user.id': 'u-2' },
    }),
  )
}

function run(runId: string, init: RootInit): StoredSpan {
  return root(runId, { service: 'agents', ...init })
}

function review(pair: string, runId: string, from: number, attributes: StoredAttributes): StoredSpan {
  return span(pair.repeat(16), {
    name: 'gen_ai.evaluation.result',
    from,
    service: 'agents',
    attributes: {
      'gen_ai.evaluation.name': 'user_feedback',
      'runspan.target_run.id': runId,
      'runspan.reviewer.kind': 'human',
      ...attributes,
    },
  })
}
