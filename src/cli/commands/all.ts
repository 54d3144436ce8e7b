import type { Command } from '../command.ts'
import { completionOf } from './completion.ts'
import { doctor } from './doctor.ts'
import { family } from './family.ts'
import { list } from './list.ts'
import { serve } from './serve.ts'
import { show } from './show.ts'
import { tail } from './tail.ts'
import { thread } from './thread.ts'

const working: readonly Command[] = [serve, list, show, family, thread, tail, doctor]

/** In the order in which they are met. */
export const commands: readonly Command[] = [...working, completionOf(working)]
