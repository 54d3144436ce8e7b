import { styleText } from 'node:util'

/** How a piece of text looks, where colours are on. */
export type Style = 'plain' | 'bold' | 'dim' | 'good' | 'bad' | 'odd' | 'waiting'

const formats = {
  plain: [],
  bold: ['bold'],
  dim: ['dim'],
  good: ['green'],
  bad: ['red'],
  odd: ['yellow'],
  waiting: ['cyan'],
} as const satisfies Readonly<Record<Style, readonly string[]>>

/** Gives text a style. */
export type Paint = (style: Style, text: string) => string

/** @param color whether to write escape sequences. The caller decides: where the text goes is the caller's knowledge */
export function painter(color: boolean): Paint {
  if (!color) return (_, text) => text
  return (style, text) =>
    style === 'plain' || text === '' ? text : styleText([...formats[style]], text, { validateStream: false })
}
