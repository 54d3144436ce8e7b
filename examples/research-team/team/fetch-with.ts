/** `fetch` with more headers. */
export function fetchWith(more: Record<string, string>, ...[input, init]: Parameters<typeof fetch>): Promise<Response> {
  const headers = new Headers(init?.headers)
  for (const [name, value] of Object.entries(more)) headers.set(name, value)
  return fetch(input, { ...init, headers })
}
