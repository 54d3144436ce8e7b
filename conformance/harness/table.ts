import type { CaseResult } from './run-case.ts'
import type { ProducerResult } from './run-producer.ts'

/** The page `docs/conformance.md`. The same results make the same text. */
export function renderPage(producers: readonly ProducerResult[]): string {
  const cases = producers.flatMap(({ results }) => results)
  const equal = cases.filter(({ notes }) => notes.length === 0).length
  const naive = cases.filter(({ naive: { input, output }, billed }) => isSame({ input, output }, billed)).length
  return `# Conformance

What real packages write, what was billed, and what Runspan makes of it. Made by \`npm run conformance\`; do not edit.

Each case is one run against a local model server that bills every request. **Billed** is what its books say, **Runspan**
is what stands on the run's root. In every row without a note the two are equal, number by number: calls of the model,
input and output tokens, tokens read from and written to a cache, reasoning tokens, calls of tools where the producer
shows them, and the cost in billionths of a US dollar. A note names what a response or a producer keeps to itself, so
that nobody can know it: then Runspan's numbers are those that were said, and a call without usage is counted as unpriced.
The suite fails where a number is anything else. **Naive** adds usage up over all exported spans, as many backends do.

${cases.length} cases of ${producers.length} producers: ${equal} equal the bill in every number, ${cases.length - equal} have a note. The naive sum of tokens is
right in ${naive} of them.

Read a cell as calls: input → output tokens; *r* read from a cache, *w* written to one, *t* thought; tools; cost. A naive sum that
is wrong is **bold**.
${producers.map(renderProducer).join('')}`
}

function renderProducer({ title, versions, results }: ProducerResult): string {
  const notes = [...new Set(results.flatMap((result) => result.notes))]
  const packages = Object.entries(versions).map(([name, version]) => `\`${name}@${version}\``)
  const rows = results.map((result) => {
    const marks = result.notes.map((note) => `<sup>${notes.indexOf(note) + 1}</sup>`).join('')
    const naive = `${result.naive.input} → ${result.naive.output}`
    const shown = isSame(result.naive, result.billed) ? naive : `**${naive}**`
    return `| ${result.title}${marks} | ${cell(result.billed)} | ${cell(result.totals)}${unpriced(result)} | ${shown} |`
  })
  return `
## ${title}

${packages.join(', ')}

| case | billed | Runspan | naive |
|---|---|---|---|
${rows.join('\n')}
${notes.length === 0 ? '' : `\n${notes.map((note, index) => `${index + 1}. ${note}`).join('\n')}\n`}`
}

type Tokens = Pick<CaseResult['billed'], 'input' | 'output'>

function isSame(one: Tokens, other: Tokens): boolean {
  return one.input === other.input && one.output === other.output
}

function cell({
  calls,
  input,
  output,
  cacheRead,
  cacheWrite,
  reasoning,
  toolCalls,
  nanoUsd,
}: CaseResult['billed']): string {
  const details = [
    ...(cacheRead > 0 ? [`${cacheRead} r`] : []),
    ...(cacheWrite > 0 ? [`${cacheWrite} w`] : []),
    ...(reasoning > 0 ? [`${reasoning} t`] : []),
  ]
  const inBrackets = details.length === 0 ? '' : ` (${details.join(', ')})`
  const tools = toolCalls === 0 ? '' : `; ${toolCalls} tools`
  return `${calls}: ${input} → ${output}${inBrackets}${tools}; $${(nanoUsd / 1e9).toFixed(9)}`
}

function unpriced({ totals }: CaseResult): string {
  return totals.unpriced === 0 ? '' : `; ${totals.unpriced} unpriced`
}
