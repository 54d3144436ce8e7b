import { CallSums, addNumbers, type CallNumbers } from './call-sums.ts'

/** What the linked runs below a run came to, as far as they ended in this process. */
export class FamilySums extends CallSums {
  runs = 0

  /** Takes in a run that has ended, with what it knows of those below it. */
  addRun(run: CallNumbers, below: FamilySums | undefined): void {
    this.runs++
    addNumbers(this, run, 1)
    if (below === undefined) return
    this.runs += below.runs
    addNumbers(this, below, 1)
  }
}
