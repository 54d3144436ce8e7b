import { stripVTControlCharacters } from 'node:util'

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { renderFamily } from '../../src/cli/render-family.ts'
import { widthOf } from '../../src/cli/terminal-text.ts'
import { buildFamilies, type Family } from '../../src/query/family-tree.ts'
import type { StoredSpan } from '../../src/query/stored-span.ts'
import { lines } from '../query/family-text.ts'
import { amendment, dispatch, idOf, root, segment, span } from '../query/stored-spans.ts'

const a = idOf('a1')
const b = idOf('b2')
const c = idOf('c3')
const d = idOf('d4')

function familyOf(...spans: readonly StoredSpan[]): Family {
  const families = buildFamilies(spans)
  expect(families).toHaveLength(1)
  return families[0]!
}

const planner = root(a, {
  agent: 'planner',
  service: 'planner',
  goal: 'Can tidal power replace a coal plant?',
  to: 4_210,
  totals: { input: 12_345, cached: 8_192, output: 1_024, llm: 3, tools: 2, nanoUsd: 12_300_000, source: 'priced' },
})
const executor = root(b, {
  agent: 'executor',
  service: 'research',
  parent: a,
  from: 500,
  to: 2_600,
  totals: { input: 3_000, output: 180, llm: 1, tools: 2, nanoUsd: 4_000_000, source: 'priced' },
})
const search = [700, 900].map((from) =>
  segment(b, {
    service: 'search',
    name: 'POST /find',
    from,
    to: from + 115,
    totals: { input: 250, output: 10, llm: 1, nanoUsd: 200_000, source: 'priced' },
  }),
)

describe('renderFamily', () => {
  it('shows runs, their joined parts and the total', () => {
    expect(renderFamily(familyOf(planner, executor, ...search))).toBe(
      lines(`
        run                          status       time      in  cached    out      cost  llm  tool  err
        planner                      completed  4.21 s  12,345   8,192  1,024  $0.01230    3     2    –
        │ a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1 · Can tidal power replace a coal plant?
        ╰─ executor                  completed  2.10 s   3,500       –    200  $0.00440    3     2    –
           │ b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2 · research
           ╰┄ search ×2: POST /find  joined     230 ms     500       –     20  $0.00040    2     –    –
        ───────────────────────────────────────────────────────────────────────────────────────────────
        family of 2 runs                        4.21 s  15,845   8,192  1,224  $0.01670    6     4    –
      `),
    )
  })

  it('shows what failed, what has not started and what is missing, and marks lower bounds', () => {
    const writer = root(c, {
      agent: 'writer',
      goal: 'Write a report',
      parent: a,
      from: 4_100,
      to: 9_100,
      runStatus: 'failed',
      status: { code: 'error', message: 'chapter 3\nhas no source' },
      totals: {
        input: 800,
        output: 90,
        llm: 2,
        nanoUsd: 980_000,
        source: 'mixed',
        unpriced: 1,
        errors: 1,
        open: 2,
        complete: false,
      },
      attributes: { 'error.type': 'TypeError', 'runspan.run.detached': true, 'runspan.run.attempt': 2 },
    })
    const family = familyOf(
      planner,
      dispatch(a, b, { agent: 'critic', from: 10 }),
      writer,
      amendment(writer, { input: 10, spans: 1 }),
      dispatch(a, d, { kind: 'producer', agent: 'reviewer', goal: 'Check the numbers', from: 4_200 }),
    )
    expect(renderFamily(family)).toBe(
      lines(`
        run                   status       time      in   cached     out       cost   llm   tool   err
        planner               completed  4.21 s  12,345    8,192   1,024   $0.01230     3      2     –
        │ a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1 · Can tidal power replace a coal plant?
        ├─ critic             missing
        │    b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2
        ├─ writer             failed     5.00 s     810+       –      90+  $0.00098+    2+     0+    1+
        │    c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3 · detached · attempt 2 · Write a report
        │    ✗ TypeError: chapter 3 has no source
        │    ! 1 span had not ended when its totals were written
        │    ! 1 model call with a price nobody knows
        ╰─ reviewer           spawned
             d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4 · Check the numbers
        ───────────────────────────────────────────────────────────────────────────────────────────────
        family of 2 runs                 9.10 s  13,155+   8,192+  1,114+  $0.01328+    5+     2+    1+
        + at least this much: what is missing or unpriced stands above
        1 run spawned and not started
        1 run missing: started or named, and no span has come
      `),
    )
  })

  it('shows a run without its root', () => {
    expect(renderFamily(familyOf(...search))).toBe(
      lines(`
        run                       status     time   in   cached   out       cost   llm   tool   err
        unknown agent             no root       –  500+       –    20+  $0.00040+    2+     0+    –
        │ b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2
        │ ! its root has not come: the run is open, or its process was lost
        ╰┄ search ×2: POST /find  joined   230 ms  500        –    20   $0.00040     2      –     –
        ────────────────────────────────────────────────────────────────────────────────────────────
        family of 1 run                    315 ms  500+       –    20+  $0.00040+    2+     0+    –
        + at least this much: what is missing or unpriced stands above
      `),
    )
  })

  it('writes unpriced where nobody knows the price, and nothing where there was no call', () => {
    const totals = { input: 5, output: 6, llm: 2, unpriced: 2, source: 'unpriced' }
    const free = root(b, { agent: 'free', parent: a, totals: { llm: 1, nanoUsd: 0, source: 'reported' } })
    const idle = root(c, { agent: 'idle', parent: a, totals: { spans: 1 } })
    expect(renderFamily(familyOf(root(a, { agent: 'local', totals }), free, idle))).toBe(
      lines(`
        run                   status     time  in   cached   out       cost   llm   tool   err
        local                 completed  0 ms   5        –     6   unpriced     2      –     –
        │ a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1
        ├─ free               completed  0 ms   0        –     0      $0.00     1      –     –
        │    b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2
        ╰─ idle               completed  0 ms   –        –     –          –     –      –     –
             c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3
        ───────────────────────────────────────────────────────────────────────────────────────
        family of 3 runs                 0 ms   5        –     6      $0.00+    3      –     –
        + at least this much: what is missing or unpriced stands above
      `),
    )
    expect(
      renderFamily(familyOf(root(a, { totals })))
        .split('\n')
        .at(-1),
    ).toMatch(/ unpriced /)
  })

  it('asks where nobody reported totals', () => {
    expect(renderFamily(familyOf(root(a, { totals: false })))).toBe(
      lines(`
        run                   status     time  in   cached   out   cost   llm   tool   err
        agent                 completed  0 ms   ?        ?     ?      ?     ?      ?     ?
          a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1
          ! a process that worked on it reports no totals: it has no RunRollupProcessor
        ───────────────────────────────────────────────────────────────────────────────────
        family of 1 run                  0 ms   ?        ?     ?      ?     ?      ?     ?
      `),
    )
  })

  it('says what was counted from the spans of a service that reports no totals', () => {
    const server = span(b, { service: 'summaries', kind: 'server', parentSpanId: executor.spanId, flags: 0x301 })
    const attributes = { 'gen_ai.operation.name': 'chat', 'gen_ai.usage.input_tokens': 100 }
    const call = span(b, {
      service: 'summaries',
      kind: 'client',
      parentSpanId: server.spanId,
      flags: 0x101,
      attributes,
    })
    const text = renderFamily(familyOf(planner, executor, server, call))
    expect(text).toContain('+ 1 model call of summaries, which reports no totals: counted from its spans')
    expect(text).toContain('3,100')
    expect(renderFamily(familyOf(planner, executor))).not.toContain('counted from its spans')
  })

  it('names the runs that were handed out', () => {
    const out = renderFamily(familyOf(root(a, { agent: 'planner', totals: { complete: false } })))
    expect(out.split('\n').at(-1)).toBe('handed to others, who may have parts that have not come: planner')
  })

  it('shows joined parts and linked runs in the order in which they started', () => {
    const late = segment(a, { service: 'late', name: 'x', from: 30 })
    const early = segment(a, { name: 'early', from: 1 })
    const rows = renderFamily(familyOf(root(a), late, root(b, { agent: 'child', parent: a, from: 20 }), early))
    expect(rows.match(/[├╰][─┄] \S+/g)).toEqual(['├┄ early', '├─ child', '╰┄ late:'])
  })

  it('shows a joined part that failed as failed', () => {
    const failed = segment(a, { name: 'x', status: { code: 'error' }, totals: { errors: 1 } })
    expect(renderFamily(familyOf(root(a), failed))).toMatch(/╰┄ x +failed/)
  })

  it('leaves columns out where the terminal is narrow, and cuts names and goals', () => {
    expect(renderFamily(familyOf(planner, executor, ...search), { width: 64 })).toBe(
      lines(`
        run                      status         in    out      cost  err
        planner                  completed  12,345  1,024  $0.01230    –
        │ a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1 · Can tidal power replace a…
        ╰─ executor              completed   3,500    200  $0.00440    –
           │ b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2 · research
           ╰┄ search ×2: POST…   joined        500     20  $0.00040    –
        ────────────────────────────────────────────────────────────────
        family of 2 runs                    15,845  1,224  $0.01670    –
      `),
    )
  })

  it('writes the same text with colours as without', () => {
    const family = familyOf(planner, executor, ...search)
    const colored = renderFamily(family, { color: true })
    expect(colored).toContain('\u001b[32mcompleted')
    const plain = stripVTControlCharacters(colored).split('\n')
    expect(plain.map((line) => line.trimEnd()).join('\n')).toBe(renderFamily(family))
  })

  it('lets nothing of a span move the cursor', () => {
    const evil = '\u001b[2J\u001b]0;gone\u0007\nnew\u009bline\u202e'
    const status = { code: 'error', message: evil } as const
    const attributes = { 'error.type': evil }
    const family = familyOf(
      root(a, { agent: evil, goal: evil, service: evil, parent: evil, runStatus: evil, status, attributes }),
      segment(a, { service: evil, name: evil }),
      dispatch(a, b, { agent: evil, goal: evil, kind: 'producer' }),
    )
    expect(renderFamily(family)).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u)
  })

  it('keeps to the width it is given, whatever names, goals and numbers there are', () => {
    const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
    const run = fc.record({
      agent: word,
      goal: word,
      depth: fc.nat(3),
      input: fc.nat(),
      nanoUsd: fc.nat(),
      open: fc.option(fc.nat(5)),
    })
    fc.assert(
      fc.property(fc.array(run, { minLength: 1, maxLength: 8 }), fc.integer({ min: 60, max: 140 }), (runs, width) => {
        const spans = runs.map(({ agent, goal, depth, input, nanoUsd, open }, index) =>
          root(idOf(`f${index}`), {
            agent,
            goal,
            from: index,
            ...(index === 0 ? {} : { parent: idOf(`f${Math.max(0, index - 1 - depth)}`) }),
            totals: { input, output: input, cached: input, llm: 1, nanoUsd, ...(open === null ? {} : { open }) },
          }),
        )
        for (const line of renderFamily(familyOf(...spans), { width }).split('\n')) {
          expect(widthOf(line)).toBeLessThanOrEqual(width)
        }
      }),
    )
  })

  it('draws a chain of a thousand runs without running out of width', () => {
    const ids = Array.from({ length: 1_000 }, (_, i) => (i + 1).toString(16).padStart(32, '0'))
    const chain = ids.map((id, i) => root(id, { from: i, ...(i === 0 ? {} : { parent: ids[i - 1]! }) }))
    const drawn = renderFamily(familyOf(...chain)).split('\n')
    expect(drawn).toHaveLength(2_003)
    expect(Math.max(...drawn.map(widthOf))).toBeLessThanOrEqual(100)
    expect(drawn.at(-1)).toMatch(/^family of 1,000 runs/)
  })
})
