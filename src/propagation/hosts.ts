import { RunspanError } from '../errors.ts'
import { textOf } from '../internal/text-of.ts'
import { guarded } from '../run/stats.ts'
import { isModelProvider } from './model-providers.ts'

/**
 * Hosts that a run may be carried to. A string is a host name, with a port (`search:8080`) where only that one is
 * meant; a pattern is tried on the host, with its port where that is not the scheme's own; a function sees the URL.
 *
 * Patterns and functions do not reach the hosts of model providers, however wide they are: name such a host itself
 * where a gateway of your own stands behind it.
 */
export type CarryTarget = readonly (string | RegExp)[] | ((url: URL) => boolean)

/**
 * Whether a URL is at one of the hosts.
 *
 * @throws {@link RunspanError} `bad_configuration` where `to` is neither a list nor a function
 */
export function hostMatcher(to: CarryTarget, where: string): (url: URL) => boolean {
  if (typeof to === 'function') {
    return (url) => !isModelProvider(url.hostname) && guarded(`${where}({ to })`, () => to(url)) === true
  }
  if (!Array.isArray(to) || !to.every((entry) => typeof entry === 'string' || entry instanceof RegExp)) {
    throw new RunspanError(
      'bad_configuration',
      `Failed to configure ${where}: to is ${textOf(to)}. Name the hosts that runs may travel to: { to: ['search', 'localhost:8080', /\\.internal$/] }, or pass a function of the URL.`,
    )
  }
  const targets = to as readonly (string | RegExp)[]
  return (url) =>
    targets.some((target) =>
      // search() takes no notice of the flags g and y, whose state would make every second request differ.
      typeof target === 'string'
        ? isHost(url, target.toLowerCase())
        : !isModelProvider(url.hostname) && url.host.search(target) !== -1,
    )
}

function isHost(url: URL, name: string): boolean {
  return url.host === name || url.hostname === name || `${url.hostname}:${portOf(url)}` === name
}

function portOf({ port, protocol }: URL): string {
  return port === '' ? (protocol === 'https:' ? '443' : '80') : port
}
