/** A place to try things: `npm run play`. Prints every span that ends. */
import { ConsoleSpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
import { RunIdGenerator, RunRollupProcessor, recordLlmCall, wrapAgent } from 'runspan'

new NodeTracerProvider({
  idGenerator: new RunIdGenerator(),
  spanProcessors: [new RunRollupProcessor(), new SimpleSpanProcessor(new ConsoleSpanExporter())],
}).register()

const { ended } = await wrapAgent('planner', async () => {
  recordLlmCall({ model: 'gpt-4.1-mini', provider: 'openai', inputTokens: 120, outputTokens: 30 })
})
console.log(await ended)
