import type { Context } from '@opentelemetry/api'

import { follow } from '../../run/follow/follow.ts'
import type { Followed } from '../../run/follow/followed.ts'
import { runOfContext } from '../../run/run-context.ts'
import { shared } from '../../run/shared.ts'

/**
 * A body whose producer runs in the context of its request, for frameworks that read it after their middlewares have
 * returned. Whoever closes the response ends the segment; this ends nothing.
 *
 * @returns the same body, or one built anew around it
 */
export function boundStream<B>(body: B, inside: Context): B {
  if (runOfContext(inside) === undefined) return body
  const bound: Followed = {
    context: inside,
    idleMillis: shared().settings.streamIdleMillis,
    completed() {},
    failed() {},
    stopped() {},
  }
  return follow(body, bound)
}
