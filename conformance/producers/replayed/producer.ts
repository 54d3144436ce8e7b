import { registerNodeSdk } from '../../harness/node-sdk.ts'
import type { Producer } from '../../harness/producer.ts'
import { claude, embedded, first, second } from './bills.ts'
import { claudeCode, claudeCodeFailing } from './claude-code.ts'
import { claudePlatform } from './claude-platform.ts'
import { cloudflare } from './cloudflare.ts'
import { laminar } from './laminar.ts'
import { langSmith } from './langsmith.ts'
import { mlflow } from './mlflow.ts'
import { pydanticAi } from './pydantic-ai.ts'
import { recorded } from './recorded.ts'
import { sentry } from './sentry.ts'
import { replay } from './spans.ts'

/**
 * Spans of producers that need their own service, a signed-in client, another language or another kind of server, as
 * their published code and documentation write them.
 */
export const producer: Producer = {
  title: 'Producers that cannot run here',
  packages: [],
  showsTools: true,
  rollup: { adopt: 'agents' },
  start: (setUp) => void registerNodeSdk(setUp),
  cases: [
    ...replay('Claude Code, a tool and a sub-agent', claudeCode, [claude, claude, claude]),
    ...replay('Claude Code, a call that fails', claudeCodeFailing, [claude], { failed: { calls: 1 } }),
    ...replay('Claude API, spans of the client and of the platform', claudePlatform, [claude], { unwrapped: false }),
    ...replay('Sentry, an agent', sentry, [first, second]),
    ...replay('Laminar, a traced function', laminar, [first, second, embedded], { unwrapped: false }),
    ...replay('LangSmith’s OpenTelemetry exporter', langSmith, [first, second, embedded]),
    ...replay('Cloudflare Agents, a turn', cloudflare, [first, second]),
    ...replay('Pydantic AI, an agent that goes on with earlier usage', pydanticAi, [first, second]),
    recorded('pydantic-ai'),
    ...replay('MLflow, an agent', mlflow, [{ ...first, reasoning: 0 }, second]),
  ],
}
