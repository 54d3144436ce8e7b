import { handle } from '../handle.js'

export const GET = handle('/api/throws', () => {
  throw new Error('in the handler')
})
