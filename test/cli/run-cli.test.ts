import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { runCli } from '../../src/cli/run-cli.ts'
import { openSpanStore } from '../../src/query/readers/sqlite/span-store.ts'
import { serve } from '../../src/viewer/serve/serve.ts'
import { ids, readerWorld } from '../query/reader-world.ts'
import { at, idOf, root } from '../query/stored-spans.ts'
import { otlpJson } from '../support/otlp-json.ts'

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

interface Options {
  readonly env?: Record<string, string>
  readonly isTTY?: boolean
  readonly columns?: number
  /** Called where the command would wait; returns whether it is to stop. */
  readonly onDelay?: () => Promise<boolean> | boolean
}

async function runspan(
  args: readonly string[],
  { env = {}, isTTY = false, columns = 120, onDelay = () => true }: Options = {},
): Promise<Ran> {
  let out = ''
  let err = ''
  const stopped = new AbortController()
  const code = await runCli(args, {
    stdout: { write: (text) => (out += text), isTTY, columns },
    stderr: { write: (text) => (err += text) },
    env,
    signal: stopped.signal,
    nowUnixMillis: () => Number(at(3_000) / 1_000_000n),
    async delay() {
      if (await onDelay()) stopped.abort()
    },
  })
  return { code, out, err }
}

describe('runspan', () => {
  let directory: string
  let file: string
  let from: readonly string[]
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'runspan-cli-'))
    file = join(directory, 'world.jsonl')
    from = ['--from', file]
    await writeFile(file, `${otlpJson(readerWorld())}\n`)
  })
  afterAll(() => rm(directory, { recursive: true }))

  const readJson = async (
    ...args: string[]
  ): Promise<{ version: number; kind: string; value: Record<string, unknown> }> => {
    const { out } = await runspan([...args, ...from, '--json'])
    expect(out).toMatch(/^[^\n]*\n$/)
    return JSON.parse(out)
  }
  const colored = async (args: readonly string[], options: Options): Promise<boolean> =>
    (await runspan(['list', '-n', '1', ...from, ...args], options)).out.includes('\u001b[')

  it('lists runs, the newest first, and says how many there are', async () => {
    const { code, out } = await runspan(['list', ...from, '-n', '2', '--until', '1s'])
    expect(code).toBe(0)
    const lines = out.trimEnd().split('\n')
    expect(lines[0]).toMatch(/^agent +run +started +status +time/)
    expect(lines[1]).toContain(ids.secondExecutor)
    expect(lines[2]).toContain(ids.open)
    expect(lines[3]).toMatch(/^runs 1 to 2 of 6; go on with --offset 2$/)
  })

  it('filters as it is told', async () => {
    const { out } = await runspan(['list', ...from, '--status', 'failed', '--agent', 'critic', '--since', '1h'])
    expect(out).toContain(ids.critic)
    expect(out.trimEnd().split('\n')).toHaveLength(2)
    expect((await runspan(['list', ...from, '--agent', 'nobody'])).out).toBe('no runs\n')
    expect((await runspan(['list', ...from, '--min-cost', '0.0005'])).out).toContain('fetcher')
  })

  it('shows a run with its links, its reviews, and its spans in time', async () => {
    const { code, out } = await runspan(['show', ids.planner, ...from])
    expect(code).toBe(0)
    for (const text of [
      'Plan the week',
      `started critic ${ids.critic} (failed)`,
      `spawned writer ${ids.writer} (not started, or still open)`,
      'review by agent: Too long.',
      'thread c-1',
      'invoke_agent planner',
      '━━',
    ]) {
      expect(out).toContain(text)
    }
    expect((await runspan(['show', ids.fetcher, ...from])).out).toContain(
      `started by executor ${ids.executor} (completed)`,
    )
    expect((await runspan(['show', ids.late, ...from])).out).toContain('something ended after the root')
  })

  it('shows a family, and its sum', async () => {
    const { out } = await runspan(['family', ids.fetcher, ...from])
    expect(out).toMatch(/family of 6 runs/)
    expect(out).toContain('1 run spawned and not started')
    expect((await runspan(['family', ids.planner, ...from, '--max-runs', '2'])).out).toContain('raise --max-runs')
  })

  it('lists threads, and the runs of one', async () => {
    expect((await runspan(['thread', ...from])).out).toMatch(/^thread .*\nc-2 .*\nc-1 .*\n$/)
    expect((await runspan(['thread', ...from, '--idle', '900ms'])).code).toBe(2)
    expect((await runspan(['thread', 'c-1', ...from])).out).toMatch(/planner[^]*executor/)
    expect(await runspan(['thread', 'c-3', ...from])).toMatchObject({ code: 1, out: '' })
  })

  it('follows runs as they come and change, and shows each once', async () => {
    const store = await openSpanStore(join(directory, 'tail.db'))
    let looks = 0
    const { code, out } = await runspan(['tail', '--from', store.path, '--json'], {
      async onDelay() {
        looks++
        if (looks === 1) await store.write([root(idOf('a1'), { from: 0, agent: 'first' })])
        if (looks === 3) await store.write([root(idOf('a2'), { from: 1, agent: 'second', runStatus: 'failed' })])
        return looks === 5
      },
    })
    await store.close()
    expect(code).toBe(0)
    const runs = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(runs.map(({ kind, value }) => [kind, value.agent, value.status])).toEqual([
      ['run', 'first', 'completed'],
      ['run', 'second', 'failed'],
    ])
  })

  it('shows when runs started where names leave room for it', async () => {
    const { out } = await runspan(['list', ...from, '--agent', 'executor'], { columns: 100 })
    expect(out).toMatch(/^agent +run +started +status/)
  })

  it('says how many lines of a file are none of OTLP', async () => {
    const path = join(directory, 'odd.jsonl')
    await writeFile(path, `not JSON\n{"resourceSpans": 7}\n${otlpJson([root(idOf('a1'))])}\n`)
    const { code, out, err } = await runspan(['list', '--from', path])
    expect([code, out]).toEqual([0, expect.stringContaining(idOf('a1'))])
    expect(err).toBe(`runspan: 2 lines of ${path} could not be read as OTLP JSON; left out.\n`)
  })

  it('takes an empty RUNSPAN_FROM for none', async () => {
    const env = { RUNSPAN_FROM: '' }
    expect((await runspan(['list', ...from, '-n', '1'], { env })).code).toBe(0)
    const { err } = await runspan(['list'], { env })
    expect(err).not.toContain('ENOENT')
  })

  it('writes one line of JSON with its version, kind and value', async () => {
    expect(await readJson('list', '-n', '1')).toMatchObject({
      version: 1,
      kind: 'runs',
      value: { hasMore: true, limit: 1 },
    })
    expect(await readJson('show', ids.planner)).toMatchObject({
      version: 1,
      kind: 'run',
      value: {
        runId: ids.planner,
        startUnixNano: String(at(1_000)),
        totals: { costNanoUsd: '5300' },
        parentRunId: null,
      },
    })
    expect(await readJson('family', ids.planner)).toMatchObject({
      kind: 'family',
      value: { runCount: 6, totals: { costNanoUsd: '765300' } },
    })
    expect(await readJson('thread')).toMatchObject({ kind: 'threads' })
    expect(await readJson('doctor')).toMatchObject({ kind: 'checks' })
  })

  it('says what is not there, and how it went by its exit code', async () => {
    expect(await runspan(['show', ids.nobody, ...from])).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('there is no run'),
    })
    expect(await runspan(['family', ids.nobody, ...from])).toMatchObject({ code: 1 })
    expect(await runspan(['show', 'order-7', ...from])).toMatchObject({ code: 2 })
    expect(await runspan(['show', ...from])).toMatchObject({
      code: 2,
      err: expect.stringContaining('<run> is missing'),
    })
    expect(await runspan(['list', 'too', 'much', ...from])).toMatchObject({ code: 2 })
    expect(await runspan(['list', '--agnt', 'x'])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/'--agnt'.*Did you mean --agent\?/),
    })
    expect(await runspan(['lst'])).toMatchObject({ code: 2, err: expect.stringContaining('Did you mean list?') })
    expect(await runspan(['quit'])).toMatchObject({ code: 2, err: expect.stringContaining('See runspan --help.') })
    expect(await runspan(['list', '--status', 'fail', ...from])).toMatchObject({
      code: 2,
      err: expect.stringContaining('Use completed, failed, cancelled, timeout, abandoned or open.'),
    })
    expect(await runspan(['list', '--since', 'soon', ...from])).toMatchObject({ code: 2 })
    expect(await runspan(['list', '-n', '5000', ...from])).toMatchObject({ code: 2 })
    expect(await runspan(['list', '--from', join(directory, 'nothing')])).toMatchObject({ code: 3 })
    expect(await runspan(['list', '--header', 'none', ...from])).toMatchObject({ code: 2 })
  })

  it('has colours on a terminal, and where it is told to; NO_COLOR has none', async () => {
    expect(await colored([], {})).toBe(false)
    expect(await colored([], { isTTY: true })).toBe(true)
    expect(await colored([], { isTTY: true, env: { NO_COLOR: '1' } })).toBe(false)
    expect(await colored([], { isTTY: true, env: { TERM: 'dumb' } })).toBe(false)
    expect(await colored([], { env: { FORCE_COLOR: '1' } })).toBe(true)
    expect(await colored(['--color'], { env: { NO_COLOR: '1' } })).toBe(true)
    expect(await colored(['--no-color'], { isTTY: true })).toBe(false)
  })

  it('finds out what an address or a path is', async () => {
    await using server = await serve({ path: join(directory, 'served.db'), port: 0 })
    await server.store.write([root(idOf('a1'))])
    for (const address of [server.url, `runspan+${server.url}`, server.store.path]) {
      expect((await runspan(['list', '--from', address])).out).toContain(idOf('a1'))
    }
    expect((await runspan(['list'], { env: { RUNSPAN_FROM: server.url } })).out).toContain(idOf('a1'))
    expect(await runspan(['list', '--from', server.url, '--tenant', 'blue'])).toMatchObject({
      code: 0,
      out: 'no runs\n',
    })
  })

  it('checks that runs can be read, and what they lack', async () => {
    const { code, out } = await runspan(['doctor', ...from])
    expect(code).toBe(0)
    expect(out).toContain('without a root')
    expect(await runspan(['doctor', '--from', join(directory, 'nothing')])).toMatchObject({
      code: 1,
      out: expect.stringContaining('✗'),
    })
  })

  it('checks the set-up of an application, in a process of its own', async () => {
    const setup = join(directory, 'telemetry.mjs')
    const sdk = import.meta.resolve('@opentelemetry/sdk-trace-node')
    await writeFile(
      setup,
      `console.log('set up'); import { NodeTracerProvider } from '${sdk}'; new NodeTracerProvider().register()`,
    )
    const bare = await runspan(['doctor', '--setup', setup, '--json'])
    expect(bare.code).toBe(0)
    const { value } = JSON.parse(bare.out) as { readonly value: readonly { readonly check: string }[] }
    expect(value.map(({ check }) => check)).toEqual(['generator_missing', 'rollup_missing'])
    expect(await runspan(['doctor', '--setup', 'runspan/register'])).toEqual({
      code: 0,
      out: '✓ nothing is missing from runspan/register\n',
      err: '',
    })
    const missing = await runspan(['doctor', '--setup', './nowhere.js', ...from])
    expect(missing.code).toBe(1)
    expect(missing.out).toMatch(/^✗ .*Cannot find module[^]*✓ .* answers/)
  })

  it('teaches: an overview, a help for each command with lines that can be typed, a version', async () => {
    const { code, out } = await runspan([])
    expect(code).toBe(0)
    const names = [...out.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name!)
    expect(names).toEqual(
      expect.arrayContaining(['serve', 'list', 'show', 'family', 'thread', 'tail', 'doctor', 'completion']),
    )
    for (const name of ['serve', 'list', 'show', 'family', 'thread', 'tail', 'doctor', 'completion']) {
      const help = await runspan([name, '--help'])
      expect(help.out).toContain(`usage: runspan ${name}`)
      expect(help.out).toContain('examples:')
      expect((await runspan(['help', name])).out).toBe(help.out)
      for (const line of help.out.split('\n')) expect(line.length).toBeLessThanOrEqual(160)
    }
    expect((await runspan(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  it.each(['bash', 'zsh', 'fish'])('completes commands and options in %s', async (shell) => {
    const { code, out } = await runspan(['completion', shell])
    expect(code).toBe(0)
    for (const word of ['family', 'completion', 'min-cost']) expect(out).toContain(word)
    expect((await runspan(['completion', 'csh'])).code).toBe(2)
  })
})
