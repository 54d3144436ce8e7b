import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { type ServerProcess, startServer, withFreeAddresses } from './server-process.ts'

/** The file that docker-compose.yml mounts. */
const configFile = fileURLToPath(new URL('../../deploy/tempo.yaml', import.meta.url))

/** A Tempo with an empty store. */
export interface RunningTempo extends ServerProcess {
  /** Base address for OTLP over HTTP, without `/v1/traces`. */
  readonly otlpHttpEndpoint: string
  /** Base address of the query API, without `/api`. */
  readonly queryUrl: string
}

/** Starts a Tempo on free loopback ports and waits until it is healthy. Its data goes when it stops. */
export async function startTempo(binary: string): Promise<RunningTempo> {
  const directory = await mkdtemp(join(tmpdir(), 'runspan-tempo-'))
  const cleanUp = (): Promise<void> => rm(directory, { recursive: true, force: true })
  try {
    return await withFreeAddresses(4, async (next) => {
      const [query, grpc, otlpGrpc, otlpHttp] = [next(), next(), next(), next()]
      const server = await startServer({
        name: 'Tempo',
        binary,
        args: ['-target=all', `-config.file=${configFile}`, '-config.expand-env=true'],
        env: {
          RUNSPAN_TEMPO_PORT: portOf(query),
          RUNSPAN_TEMPO_GRPC_PORT: portOf(grpc),
          RUNSPAN_TEMPO_OTLP_GRPC: otlpGrpc,
          RUNSPAN_TEMPO_OTLP_HTTP: otlpHttp,
          RUNSPAN_TEMPO_DATA: directory,
        },
        healthUrl: `http://${query}/ready`,
        // It waits fifteen seconds for others before it calls itself ready.
        startTimeoutMillis: 90_000,
      })
      let stopped: Promise<void> | undefined
      const stop = (): Promise<void> => (stopped ??= server.stop().then(cleanUp))
      return {
        ...server,
        otlpHttpEndpoint: `http://${otlpHttp}`,
        queryUrl: `http://${query}`,
        stop,
        [Symbol.asyncDispose]: stop,
      }
    })
  } catch (error) {
    await cleanUp()
    throw error
  }
}

function portOf(address: string): string {
  return address.slice(address.lastIndexOf(':') + 1)
}
