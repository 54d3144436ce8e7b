/**
 * A module of Node's own, where this is Node: without an import that would break a bundle for anything else.
 *
 * `undefined` elsewhere. There from Node 20.16 and 22.3 on.
 */
export function nodeBuiltin(name: 'node:crypto' | 'node:net'): unknown {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }
  return process?.getBuiltinModule?.(name)
}
