import type { DestinationStats } from './delivery-stats.ts'

/** One line about a destination, for the end. */
export function summaryOf(stats: DestinationStats): { readonly text: string; readonly isLossless: boolean } {
  const dropped = Object.entries(stats.droppedSpans).filter(([, spans]) => spans > 0)
  const losses = [
    ...dropped.map(([reason, spans]) => `${spans} dropped (${reason})`),
    ...(stats.rejectedSpans > 0 ? [`${stats.rejectedSpans} rejected`] : []),
    ...(stats.lateSpans > 0 ? [`${stats.lateSpans} ended after the shutdown`] : []),
  ]
  const further = [
    ...(stats.spooledSpans > 0 ? [`${stats.spooledSpans} left in the spool`] : []),
    ...(stats.adoptedSpans > 0 ? [`${stats.adoptedSpans} of them taken over`] : []),
    ...(stats.openSpans > 0 ? [`${stats.openSpans} never ended`] : []),
    ...(stats.unsampledSpans > 0 ? [`${stats.unsampledSpans} not sampled`] : []),
    ...(stats.retriedSpans > 0 ? [`${stats.retriedSpans} sent again`] : []),
    ...(stats.truncatedSpans > 0 ? [`${stats.truncatedSpans} shortened`] : []),
  ]
  const parts = [
    `${stats.exportedSpans} of ${stats.startedSpans + stats.adoptedSpans} spans delivered`,
    ...losses,
    ...further,
  ]
  return { text: `${stats.destination}: ${parts.join(', ')}.`, isLossless: losses.length === 0 }
}
