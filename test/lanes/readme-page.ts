import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const page = readFileSync(fileURLToPath(new URL('../../README.md', import.meta.url)), 'utf8')

/** The packages of the first `npm i` below a text of README. */
export function packagesBelow(text: string): readonly string[] {
  const [, command] = /```sh\nnpm i ([^]*?)\n```/.exec(below(text)) ?? []
  if (command === undefined) throw new Error(`README has no npm i below “${text}”.`)
  return command.split(/[\s\\]+/)
}

/** The first fenced block of that language (`''`: of none) below a text of README. */
export function blockBelow(text: string, language: string): string {
  const [, block] = new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'm').exec(below(text)) ?? []
  if (block === undefined) throw new Error(`README has no ${language} block below “${text}”.`)
  return block
}

/** A tree of spans as README draws it: each span by its name, with its kind and its attributes. */
export function drawnSpans(
  text: string,
): Readonly<Record<string, { readonly kind: string; readonly [key: string]: string }>> {
  const spans: Record<string, { kind: string; [key: string]: string }> = {}
  let current: Record<string, string> = {}
  for (const line of text.split('\n')) {
    const [, indent = '', name = '', value = ''] = /^([│├└─ ]*)(\S+(?: \S+)*)(?: {2,}(.*))?$/.exec(line) ?? []
    if (name === '') continue
    if (indent === '' || indent.endsWith('─ ')) current = spans[name] = { kind: value.split(',')[0]! }
    else current[name] = value
  }
  return spans
}

function below(text: string): string {
  const at = page.indexOf(text)
  if (at === -1) throw new Error(`README does not say “${text}”.`)
  return page.slice(at)
}
