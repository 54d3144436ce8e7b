import { readFileSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib'

import { serve, type Served } from './serve.ts'

/** What a real store answered to what a reader asked, for machines that have no such store. */
export interface Recording {
  /** `Tempo`, `Jaeger`. */
  readonly store: string
  readonly version: string
  /** What the clock of the reader said all the while. The times it asks for follow from it. */
  readonly nowUnixMillis: number
  /** When the world of runs began. */
  readonly startsAtUnixMillis: number
  /** By path and query. Searches repeat whole traces: equal bodies are written once. */
  readonly answers: Readonly<Record<string, RecordedAnswer>>
  readonly bodies: readonly string[]
}

interface RecordedAnswer {
  readonly status: number
  readonly contentType: string | undefined
  /** Which of the bodies. */
  readonly body: number
}

/** A store between a reader and the real one, which writes down what is said. */
export interface Recorder extends Served {
  recorded(): Pick<Recording, 'answers' | 'bodies'>
}

/** Passes questions on to a store. */
export async function startRecorder(storeUrl: string): Promise<Recorder> {
  const answers: Record<string, RecordedAnswer> = {}
  const bodies = new Map<string, number>()
  const pass = async (url: string, response: ServerResponse): Promise<void> => {
    const said = await fetch(storeUrl + url, { headers: { accept: 'application/json' } })
    const text = await said.text()
    const contentType = said.headers.get('content-type') ?? undefined
    if (!bodies.has(text)) bodies.set(text, bodies.size)
    answers[url] = { status: said.status, contentType, body: bodies.get(text)! }
    response.writeHead(said.status, contentType === undefined ? {} : { 'content-type': contentType }).end(text)
  }
  const served = await serve((request, response) => {
    pass(request.url!, response).catch(() => response.destroy())
  })
  return { ...served, recorded: () => ({ answers, bodies: [...bodies.keys()] }) }
}

/** Answers as a store did. What it was not asked is an error that no reader takes for an answer. */
export function startReplay({ answers, bodies }: Recording): Promise<Served> {
  return serve((request, response) => {
    const answer = answers[request.url!]
    if (answer === undefined) {
      response.writeHead(501).end('This was not asked when answers were recorded.')
      return
    }
    const { status, contentType, body } = answer
    response.writeHead(status, contentType === undefined ? {} : { 'content-type': contentType }).end(bodies[body])
  })
}

/** Writes a recording. Its compression sees all of it at once: what is in twenty answers is written once. */
export function writeRecording(path: string, recording: Recording): void {
  const json = Buffer.from(JSON.stringify(recording))
  const params = {
    [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
    // Higher ones take minutes.
    [constants.BROTLI_PARAM_QUALITY]: 9,
    [constants.BROTLI_PARAM_SIZE_HINT]: json.length,
  }
  writeFileSync(path, brotliCompressSync(json, { params }))
}

export function readRecording(path: string): Recording {
  return JSON.parse(brotliDecompressSync(readFileSync(path)).toString()) as Recording
}
