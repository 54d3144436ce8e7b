import { metrics, type Attributes, type MeterProvider } from '@opentelemetry/api'

import {
  ATTR_ERROR_TYPE,
  ATTR_GEN_AI_AGENT_NAME,
  ATTR_GEN_AI_OPERATION_NAME,
  ATTR_GEN_AI_PROVIDER_NAME,
  ATTR_GEN_AI_RESPONSE_MODEL,
  ATTR_GEN_AI_TOKEN_MODALITY,
  ATTR_RUNSPAN_RUN_STATUS,
} from '../attributes.ts'
import { RunspanError } from '../errors.ts'
import { otherName } from '../internal/counts-by-name.ts'
import { textOf } from '../internal/text-of.ts'
import type { CallSums } from './call-sums.ts'
import type { CallOrigin } from './contribution.ts'
import { createRunInstruments, type RunInstruments } from './run-instruments.ts'
import { statusError, type ReadableSpanLike } from './span-like.ts'
import type { SpanNode } from './span-node.ts'
import type { Sums } from './sums.ts'
import { outermostOf, type PartTally, type Tally } from './tally.ts'
import { ToldUsage, type TellUsage } from './told-usage.ts'

/** How many ended parts wait at most for their open spans before counters are told what they came to. */
const mostWaiting = 256

/** Calls of the agents inside an agent: the conventions leave them out of its own. */
interface InnerCalls {
  llmCalls: number
  toolCalls: number
}

/**
 * Totals as metrics: of each run and segment of this process when it has come to its final sums, whatever becomes of its
 * spans. No id is ever a label.
 *
 * Counters cannot go back, and a counted call may be taken out again while spans of its run are open. So they are told
 * once the last span of a part has ended, or at a flush.
 */
export class RunMetrics {
  readonly #given: MeterProvider | undefined
  #provider: MeterProvider | undefined
  #instruments: RunInstruments | undefined
  readonly #inner = new WeakMap<Tally, InnerCalls>()
  /** Of parts whose sums may still change. */
  readonly #told = new WeakMap<PartTally, ToldUsage>()
  /** Ended parts that nothing has been told of. */
  readonly #waiting = new Set<PartTally>()

  /** @param given whose instruments are used; the registered provider's where there is none */
  constructor(given: MeterProvider | undefined) {
    this.#given = given
  }

  /** A span of a run, segment or agent has ended, and has been counted. */
  spanEnded(node: SpanNode): void {
    const { part } = node
    const isRoot = part.root === node
    if (isRoot && outermostOf(part) === part) this.#partEnded(part, node.span)
    else if (node.isAgent) this.#agentEnded(node.tally, node.span)
  }

  /** What came after the root of a part is about to be reported. */
  amended(part: PartTally, late: Sums): void {
    let told = this.#told.get(part)
    if (told === undefined) {
      // The part had no open span when it ended: what it came to then has been told.
      told = this.#toldOf(part)
      told.add(part.sums.byModel)
      told.tell(nobody)
    }
    told.add(late.byModel)
    this.#tell(part, told)
  }

  /** Another process will end the run: what it came to here is told here, by model; the other one knows only the sums. */
  handedOff(part: PartTally): void {
    const told = this.#toldOf(part)
    told.add(part.sums.byModel)
    this.#tell(part, told)
  }

  /** Tells of what has ended and still has open spans, as far as it has come. */
  flush(): void {
    for (const part of this.#waiting) this.#tell(part, this.#toldOf(part))
  }

  #partEnded(part: PartTally, span: ReadableSpanLike): void {
    if (part.scope !== 'segment') this.#agentEnded(part, span)
    if (part.scope === 'run') this.#runEnded(part, span)
    if (part.open === 0 && !this.#told.has(part)) {
      // The usual case: it is told once, and nothing has to be remembered.
      const told = new ToldUsage()
      told.add(part.sums.byModel)
      told.tell(this.#tellUsage)
      return
    }
    this.#toldOf(part).add(part.sums.byModel)
    this.#waiting.add(part)
    if (this.#waiting.size <= mostWaiting) return
    for (const oldest of this.#waiting) {
      this.#tell(oldest, this.#toldOf(oldest))
      break
    }
  }

  #runEnded({ sums }: PartTally, { attributes }: ReadableSpanLike): void {
    const labels = labelsOf(attributes)
    const status = attributes[ATTR_RUNSPAN_RUN_STATUS]
    if (status !== undefined) labels[ATTR_RUNSPAN_RUN_STATUS] = status
    const { runs, runCost } = this.#instrumentsNow()
    runs.add(1, labels)
    if (sums.reported + sums.priced > 0) runCost.record(sums.nanoUsd / 1e9, labels)
  }

  #agentEnded(tally: Tally, span: ReadableSpanLike): void {
    const { llmCalls, toolCalls } = tally.sums
    const inner = this.#inner.get(tally)
    const labels = labelsOf(span.attributes)
    const errorType = span.attributes[ATTR_ERROR_TYPE]
    if (span.status.code === statusError)
      labels[ATTR_ERROR_TYPE] = typeof errorType === 'string' ? errorType : otherName
    const { agentDuration, agentInferenceCalls, agentToolCalls } = this.#instrumentsNow()
    agentDuration.record(secondsOf(span), labels)
    agentInferenceCalls.record(Math.max(0, llmCalls - (inner?.llmCalls ?? 0)), labels)
    agentToolCalls.record(Math.max(0, toolCalls - (inner?.toolCalls ?? 0)), labels)
    this.#leaveOut(tally, llmCalls, toolCalls)
  }

  /** Leaves an agent's calls out of those of the agent around it. */
  #leaveOut(tally: Tally, llmCalls: number, toolCalls: number): void {
    for (let around = tally.parent; around !== undefined; around = around.parent) {
      const inner = this.#inner.get(around)
      if (inner === undefined) this.#inner.set(around, { llmCalls, toolCalls })
      else {
        inner.llmCalls += llmCalls
        inner.toolCalls += toolCalls
      }
      if (around.scope !== 'segment' && !around.isProvisional) return
    }
  }

  #toldOf(part: PartTally): ToldUsage {
    const known = this.#told.get(part)
    if (known !== undefined) return known
    const told = new ToldUsage()
    this.#told.set(part, told)
    return told
  }

  #tell(part: PartTally, told: ToldUsage): void {
    this.#waiting.delete(part)
    told.tell(this.#tellUsage)
  }

  readonly #tellUsage: TellUsage = (origin, news) => {
    const instruments = this.#instrumentsNow()
    const labels = labelsOfCalls(origin)
    if (news.nanoUsd > 0) instruments.cost.add(news.nanoUsd / 1e9, labels)
    if (news.unpriced > 0) instruments.unpricedCalls.add(news.unpriced, labels)
    tellTokens(instruments, news, { ...labels, [ATTR_GEN_AI_TOKEN_MODALITY]: 'unknown' })
  }

  /** The instruments of the provider that is registered now: one taken before there is any is a no-op for ever. */
  #instrumentsNow(): RunInstruments {
    const provider = this.#given ?? metrics.getMeterProvider()
    if (this.#instruments === undefined || provider !== this.#provider) {
      this.#instruments = createRunInstruments(provider)
      this.#provider = provider
    }
    return this.#instruments
  }
}

function nobody(): void {}

/** A call without usage is told as 0: the conventions ask for it, so that the series is there. */
function tellTokens(instruments: RunInstruments, news: CallSums, labels: Attributes): void {
  instruments.inputTokens.add(news.input, labels)
  instruments.outputTokens.add(news.output, labels)
  if (news.cacheRead > 0) instruments.cacheReadInputTokens.add(news.cacheRead, labels)
  if (news.cacheWrite > 0) instruments.cacheWriteInputTokens.add(news.cacheWrite, labels)
  if (news.reasoning > 0) instruments.reasoningOutputTokens.add(news.reasoning, labels)
}

function labelsOf(attributes: Attributes): Attributes {
  const name = attributes[ATTR_GEN_AI_AGENT_NAME]
  return typeof name === 'string' ? { [ATTR_GEN_AI_AGENT_NAME]: name } : {}
}

/** Sums are kept by the model that answered, where a span says so: its name is what is known. */
function labelsOfCalls({ operation, provider, model }: CallOrigin): Attributes {
  const labels: Attributes = {
    [ATTR_GEN_AI_OPERATION_NAME]: operation ?? otherName,
    [ATTR_GEN_AI_PROVIDER_NAME]: provider ?? otherName,
  }
  if (model !== undefined) labels[ATTR_GEN_AI_RESPONSE_MODEL] = model
  return labels
}

function secondsOf({ startTime, endTime = startTime }: ReadableSpanLike): number {
  return Math.max(0, endTime[0] - startTime[0] + (endTime[1] - startTime[1]) / 1e9)
}

/**
 * The `metrics` option.
 *
 * @throws {@link RunspanError} `bad_configuration` where it is neither a boolean nor a meter provider
 */
export function runMetricsOf(option: boolean | MeterProvider | undefined): RunMetrics | undefined {
  if (option === undefined || option === false) return undefined
  if (option === true) return new RunMetrics(undefined)
  if (typeof (option as Partial<MeterProvider> | null)?.getMeter === 'function') return new RunMetrics(option)
  throw new RunspanError(
    'bad_configuration',
    `Failed to configure metrics: ${textOf(option)} cannot be used. Use true, false or a meter provider.`,
  )
}
