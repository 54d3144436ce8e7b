/** Reads a variable that this process cannot run without. */
export function requireVariable(name: string): string {
  const value = process.env[name]
  if (value === undefined || value === '') throw new Error(`Set ${name}: ${process.argv[1]} cannot run without it.`)
  return value
}
