import type { CaseResult } from './run-case.ts'
import type { ProducerResult } from './run-producer.ts'

/** The page `docs/conformance.md`. The same results make the same text. */
export function renderPage(producers: readonly ProducerResult[]): string {
  const cases = producers.flatMap(({ results }) => results)
  const number = (is: (one: CaseResult) => boolean) => cases.filter(is).length
  const others = cases.filter((one) => !isBilled(one))
  const mended = others.filter(({ fetched }) => fetched?.notes.length === 0)
  const unsent = others.filter((one) => !mended.includes(one))
  return `# Conformance

What real packages write, what was billed, and what Runspan makes of it. Made by \`npm run conformance\`; do not edit.

Each case is one run against a local model server that bills every request. **Billed** is what its books say, **Runspan**
is what stands on the run's root, and **naive** is what many backends show: usage added up over all exported spans. The
two first are compared number by number: calls of the model, input and output tokens, tokens read from and written to a
cache, reasoning tokens, calls of tools where the producer shows them, and the cost in billionths of a US dollar. Calls
that were refused cost nothing; those that a producer shows are counted apart: *+ 1 failed*.

Where a producer keeps a number to itself, a note says which. Nobody can know that number from its spans: Runspan's are
those that were said, and a call without usage is counted as unpriced. Such a case is done once more **with
\`llmFetch\`**, Runspan's \`fetch\` for model clients, which reads the answers themselves. The suite fails where any
number is anything else than this page says.

| ${cases.length} cases of ${producers.length} producers | cases |
|---|---|
| every number is the bill's | ${cases.length - others.length} |
| every number is the bill's with \`llmFetch\`, and the producer alone keeps something to itself | ${mended.length} |
| neither spans nor answers say it: ${[...new Set(unsent.flatMap(({ fetched, notes }) => fetched?.notes ?? notes))].join(' ')} | ${unsent.length} |
| input and output tokens are the bill's, without \`llmFetch\` | ${number(({ totals, billed }) => isSame(totals, billed))} |
| the naive sum of input and output tokens is | ${number(({ naive, billed }) => isSame(naive, billed))} |

Read a cell as calls: input → output tokens; *r* read from a cache, *w* written to one, *t* thought; tools; cost. A naive sum that
is wrong is **bold**.
${producers.map(renderProducer).join('')}`
}

function renderProducer({ title, versions, results }: ProducerResult): string {
  const notes = [...new Set(results.flatMap((result) => [...result.notes, ...(result.fetched?.notes ?? [])]))]
  const marksOf = (of: readonly string[]) => of.map((note) => `<sup>${notes.indexOf(note) + 1}</sup>`).join('')
  const packages = Object.entries(versions).map(([name, version]) => `\`${name}@${version}\``)
  const hasFetched = results.some(({ fetched }) => fetched !== undefined)
  const rows = results.map((result) => {
    const { billed, totals, failedCalls, fetched } = result
    const naive = `${result.naive.input} → ${result.naive.output}`
    const cells = [
      `${result.title}${marksOf(result.notes)}`,
      cell(billed),
      cell(totals, failedCalls) + unpriced(totals),
      ...(hasFetched ? [fetched === undefined ? '' : fetchedCell(result, marksOf(fetched.notes))] : []),
      isSame(result.naive, billed) ? naive : `**${naive}**`,
    ]
    return `| ${cells.join(' | ')} |`
  })
  const heads = ['case', 'billed', 'Runspan', ...(hasFetched ? ['with `llmFetch`'] : []), 'naive']
  return `
## ${title}

${packages.join(', ')}

| ${heads.join(' | ')} |
|${'---|'.repeat(heads.length)}
${rows.join('\n')}
${notes.length === 0 ? '' : `\n${notes.map((note, index) => `${index + 1}. ${note}`).join('\n')}\n`}`
}

function fetchedCell({ fetched, failedCalls }: CaseResult, marks: string): string {
  return cell(fetched!.totals, failedCalls) + unpriced(fetched!.totals) + marks
}

/** Whether every number is the bill's. */
function isBilled({ billed, totals, failedCalls }: CaseResult): boolean {
  return cell(billed) === cell({ ...totals, calls: totals.calls - failedCalls }) && totals.unpriced === 0
}

type Tokens = Pick<CaseResult['billed'], 'input' | 'output'>

function isSame(one: Tokens, other: Tokens): boolean {
  return one.input === other.input && one.output === other.output
}

function cell(numbers: CaseResult['billed'], failedCalls = 0): string {
  const { calls, input, output, cacheRead, cacheWrite, reasoning, toolCalls, nanoUsd } = numbers
  const failed = failedCalls === 0 ? '' : ` + ${failedCalls} failed`
  const details = [
    ...(cacheRead > 0 ? [`${cacheRead} r`] : []),
    ...(cacheWrite > 0 ? [`${cacheWrite} w`] : []),
    ...(reasoning > 0 ? [`${reasoning} t`] : []),
  ]
  const inBrackets = details.length === 0 ? '' : ` (${details.join(', ')})`
  const tools = toolCalls === 0 ? '' : `; ${toolCalls} tools`
  return `${calls - failedCalls}${failed}: ${input} → ${output}${inBrackets}${tools}; $${(nanoUsd / 1e9).toFixed(9)}`
}

function unpriced(totals: CaseResult['totals']): string {
  return totals.unpriced === 0 ? '' : `; ${totals.unpriced} unpriced`
}
