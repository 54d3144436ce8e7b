import { handle } from '../handle.js'

// Begins, and does not go on.
export const GET = handle(
  '/api/waits',
  () =>
    new Response(new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode('one')) })),
)
