import { isIterable, isNamed } from './carrier.ts'

interface HeaderMethods {
  readonly setHeader?: (name: string, value: string) => unknown
  readonly removeHeader?: (name: string) => unknown
  readonly set?: (name: string, value: string) => unknown
  readonly delete?: (name: unknown) => unknown
}

/** Sets one field of a carrier, whatever the case in which it was there, or takes it off. */
export function writeField(carrier: object, name: string, value: string | undefined): void {
  const methods = carrier as HeaderMethods
  if (typeof methods.setHeader === 'function') {
    if (value === undefined) methods.removeHeader?.(name)
    else methods.setHeader(name, value)
  } else if (Array.isArray(carrier)) writeTuple(carrier, name, value)
  else if (typeof methods.set === 'function') writeEntry(carrier, methods, name, value)
  else writeKey(carrier as Record<string, unknown>, name, value)
}

function writeTuple(tuples: unknown[], name: string, value: string | undefined): void {
  for (let at = tuples.length - 1; at >= 0; at--) {
    const tuple = tuples[at]
    if (Array.isArray(tuple) && isNamed(tuple[0], name)) tuples.splice(at, 1)
  }
  if (value !== undefined) tuples.push([name, value])
}

function writeEntry(carrier: object, methods: HeaderMethods, name: string, value: string | undefined): void {
  const names = isIterable(carrier) ? Array.from(carrier, (entry) => (Array.isArray(entry) ? entry[0] : undefined)) : []
  for (const key of names) if (isNamed(key, name)) methods.delete?.(key)
  if (value !== undefined) methods.set?.(name, value)
}

function writeKey(record: Record<string, unknown>, name: string, value: string | undefined): void {
  for (const key of Object.keys(record))
    if (isNamed(key, name) && (key !== name || value === undefined)) delete record[key]
  if (value !== undefined) record[name] = value
}
