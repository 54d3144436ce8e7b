// Next.js calls this once, before the first request.
export async function register() {
  if (process.env.NEXT_RUNTIME !== 'nodejs') return
  const { registerRunspan } = await import('runspan/node')
  registerRunspan()
}
