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
        "./node",
        "./register",
        "./receiver",
        "./query",
        "./cli",
        "./package.json",
      ]
    `)
  })

  it('of runspan are these', () => {
    expect(declaredNames('.')).toMatchInlineSnapshot(`
      {
        "types": [
          "Carrier",
          "ContentCapture",
          "ExpressRequest",
          "ExpressResponse",
          "Feedback",
          "Finding",
          "IdGeneratorLike",
          "JoinOptions",
          "LinkType",
          "LlmInit",
          "Middleware",
          "ModelPrice",
          "OpenRun",
          "PriceFunction",
          "PriceSource",
          "PricedCall",
          "Redact",
          "RedactionSite",
          "RollupOptions",
          "Run",
          "RunLink",
          "RunOptions",
          "RunOutcome",
          "RunRef",
          "RunResult",
          "RunStatus",
          "RunSummary",
          "RunTarget",
          "RunTotals",
          "RunspanErrorCode",
          "RunspanOptions",
          "RunspanStats",
          "SpanInit",
          "Trust",
          "TrustedRequest",
          "Usage",
          "WorkSpan",
          "WorkType",
        ],
        "values": [
          "RunIdGenerator",
          "RunRollupProcessor",
          "RunspanError",
          "configureRunspan",
          "currentRun",
          "currentRunId",
          "currentSpan",
          "doctor",
          "endRun",
          "expressMiddleware",
          "extractRun",
          "joinRun",
          "llm",
          "newRunId",
          "propagationHeaders",
          "recordFeedback",
          "recordLlmCall",
          "recordToolCall",
          "retrieval",
          "runIdOf",
          "startRun",
          "stats",
          "tool",
          "trace",
          "withSpan",
          "wrapAgent",
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
          "FlushReport",
          "RegisterOptions",
          "RegisteredRunspan",
          "SamplerLike",
          "SpanExporterLike",
          "SpanProcessorLike",
        ],
        "values": [
          "carryRuns",
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
          "StoredAttributes",
          "StoredEvent",
          "StoredLink",
          "StoredResource",
          "StoredScope",
          "StoredSpan",
          "StoredSpanKind",
          "StoredStatus",
          "StoredValue",
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
          "CostSource",
          "Dispatch",
          "Family",
          "FamilyNode",
          "Gap",
          "Part",
          "RunDescription",
          "RunNode",
          "RunTree",
          "Segment",
          "SpanNode",
          "StoredAttributes",
          "StoredEvent",
          "StoredLink",
          "StoredResource",
          "StoredScope",
          "StoredSpan",
          "StoredSpanKind",
          "StoredStatus",
          "StoredValue",
          "Totals",
        ],
        "values": [
          "buildFamilies",
          "findFamily",
          "runTreesOf",
          "spanForest",
          "walkFamily",
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

/** The names in the export lists of an entry's declarations. */
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
  return { values: values.toSorted(), types: types.toSorted() }
}
