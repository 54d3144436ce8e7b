/**
 * Type-checks every example that people read: the `ts` blocks of README, docs and examples, and those of comments in
 * `src`. Each is written to `.examples/` as a module of its own, named after the line it stands on, and imports the
 * package by its name, so `dist` has to be there.
 *
 *     node scripts/check-examples.ts
 *
 * A block that shows other people's code, and could not compile, begins with `ts no-check`; those are counted.
 *
 * @module
 */
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

interface Example {
  readonly file: string
  /** Line of the block's first line of code, from 1. */
  readonly line: number
  /** What stands before the code on each line of the source: the margin of a comment or of a list. */
  readonly margin: string
  readonly code: string
  readonly isChecked: boolean
}

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = '.examples'
const sources = ['*.md', 'docs/**/*.md', 'examples/**/*.md', 'src/**/*.ts']

/** A fence, in Markdown or in a comment; what follows it says the language and how the block is meant. */
const fence = /^(?<margin>\s*(?:\* ?)?\s*)```(?<info>.*)$/
/** What the language is called elsewhere: a block under such a name would go unchecked. */
const otherNames = /^(?:typescript|tsx|mts|cts)\b/

function examplesOf(file: string): readonly Example[] {
  const lines = readFileSync(join(root, file), 'utf8').split('\n')
  const examples: Example[] = []
  for (let at = 0; at < lines.length; at++) {
    const groups = fence.exec(lines[at] ?? '')?.groups
    if (groups === undefined) continue
    const { margin = '', info = '' } = groups
    if (otherNames.test(info)) throw new Error(`${file}:${at + 1}: write \`\`\`ts, so that the block is checked.`)
    const end = lines.findIndex((line, index) => index > at && fence.exec(line)?.groups?.['info'] === '')
    if (end === -1) throw new Error(`${file}:${at + 1}: the block that begins here does not end.`)
    if (info === 'ts' || info.startsWith('ts ')) {
      // An empty line of a comment ends without the blank that others have after the star.
      const code = lines.slice(at + 1, end).map((line) => line.slice(margin.length))
      examples.push({ file, line: at + 2, margin, code: code.join('\n'), isChecked: info.trim() !== 'ts no-check' })
    }
    at = end
  }
  return examples
}

/** Runs the compiler and returns what it says, each line about an example with the place in its source. */
function complaintsOf(examples: readonly Example[]): readonly string[] {
  rmSync(join(root, folder), { recursive: true, force: true })
  mkdirSync(join(root, folder))
  const exampleOf = new Map(examples.map((example) => [`${nameOf(example)}.ts`, example]))
  for (const [name, { code }] of exampleOf) writeFileSync(join(root, folder, name), `${code}\n`)
  const config = { extends: '../tsconfig.json', include: ['*.ts'] }
  writeFileSync(join(root, folder, 'tsconfig.json'), JSON.stringify(config))
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const { status, stdout, stderr } = spawnSync(process.execPath, [compiler, '-p', folder, '--pretty', 'false'], {
    cwd: root,
    encoding: 'utf8',
  })
  if (status === 0) return []
  return `${stdout}${stderr}`
    .trimEnd()
    .split('\n')
    .map((said) =>
      said.replace(/^\.examples\/(\S+?)\((\d+),(\d+)\)/, (place, name: string, line: string, column: string) => {
        const example = exampleOf.get(name)
        if (example === undefined) return place
        return `${example.file}:${example.line + Number(line) - 1}:${Number(column) + example.margin.length}`
      }),
    )
}

function nameOf({ file, line }: Example): string {
  return `${file.replaceAll(/[./]/g, '_')}_${line}`
}

function main(): number {
  if (!existsSync(join(root, 'dist/index.d.ts'))) {
    console.error('Failed to check the examples: there is no dist. Run `npm run build` first.')
    return 1
  }
  const files = globSync(sources, { cwd: root, exclude: (path) => path.includes('node_modules') }).toSorted()
  const examples = files.flatMap(examplesOf)
  const complaints = complaintsOf(examples.filter(({ isChecked }) => isChecked))
  const unchecked = examples.filter(({ isChecked }) => !isChecked)
  for (const { file, line } of unchecked) console.log(`${file}:${line}: not checked, shows other people's code`)
  for (const complaint of complaints) console.error(complaint)
  const counted = `${examples.length - unchecked.length} examples in ${new Set(examples.map(({ file }) => file)).size} files`
  console.log(complaints.length > 0 ? `${counted}: broken.` : `${counted} compile, ${unchecked.length} not checked.`)
  return complaints.length > 0 ? 1 : 0
}

try {
  process.exitCode = main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
