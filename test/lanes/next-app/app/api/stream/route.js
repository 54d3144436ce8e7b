import { withSpan } from 'runspan'

import { find, handle } from '../handle.js'

export const GET = handle('/api/stream', () => {
  const chunks = ['one', 'two', 'three']
  return new Response(
    new ReadableStream({
      async pull(controller) {
        await new Promise((resolve) => setImmediate(resolve))
        const chunk = chunks.shift()
        if (chunk === undefined) {
          find()
          controller.close()
        } else withSpan(chunk, () => controller.enqueue(new TextEncoder().encode(chunk)))
      },
    }),
  )
})
