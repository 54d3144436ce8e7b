/** A passage and where it stands. */
export interface Passage {
  readonly text: string
  readonly source: string
}

/** What the search service knows. */
export const library: readonly Passage[] = [
  {
    text: 'A tidal barrage produces power about ten hours a day, at times that are known years ahead.',
    source: 'Tidal power handbook, chapter 2',
  },
  {
    text: 'The barrage at La Rance in France has run since 1966 and delivers about 500 gigawatt hours of tidal power a year.',
    source: 'Tidal power handbook, chapter 4',
  },
  {
    text: 'A coal plant of 600 megawatts delivers about 3500 gigawatt hours a year and can run at any hour.',
    source: 'Grid statistics, table 7',
  },
  {
    text: 'Tidal stream turbines stand free in the current and need no dam; a row of four delivers about 50 gigawatt hours in four years.',
    source: 'Marine energy review, section 3',
  },
  {
    text: 'To replace a coal plant by tidal power alone, storage has to cover the hours of slack water.',
    source: 'Grid statistics, note 12',
  },
  {
    text: 'Building a barrage changes the salt and the mud of an estuary; at La Rance life recovered after about ten years.',
    source: 'Estuary ecology, page 88',
  },
  {
    text: 'Fish pass slow turbines mostly unharmed, but migration of eel and salmon drops behind a dam.',
    source: 'Estuary ecology, page 91',
  },
  {
    text: 'Pumped storage returns about 75 per cent of the energy put in and lasts for decades.',
    source: 'Storage survey, part 1',
  },
  {
    text: 'The cost of tidal power lies far above that of wind, and falls with each doubling of capacity.',
    source: 'Marine energy review, section 5',
  },
]
