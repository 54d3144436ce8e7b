import type { BlockList } from 'node:net'

import { RunspanError } from '../errors.ts'
import { nodeBuiltin } from '../internal/node-builtin.ts'
import { textOf } from '../internal/text-of.ts'
import type { TrustedRequest } from './trust.ts'

interface Net {
  readonly BlockList: new () => BlockList
  isIP(text: string): number
}

/**
 * Whether a request comes from one of these addresses and networks. IPv4 addresses that come in as IPv6 ones count as
 * what they are; a request without an address is from nowhere.
 *
 * @throws {@link RunspanError} `bad_configuration` where an entry is neither, or this is not Node
 */
export function addressChecker(entries: readonly unknown[], middleware: string): (request: TrustedRequest) => boolean {
  const net = nodeBuiltin('node:net') as Net | undefined
  if (net === undefined) {
    throw new RunspanError(
      'bad_configuration',
      `Failed to make ${middleware}: a list of networks cannot be used here, only on Node. Pass a function of the request.`,
    )
  }
  const list = new net.BlockList()
  for (const entry of entries) {
    if (!add(list, net, entry)) {
      throw new RunspanError(
        'bad_configuration',
        `Failed to make ${middleware}: ${textOf(entry)} in trust is no address and no network. Write '10.0.0.0/8', '192.168.1.7' or 'fd00::/8': a name proves nothing about who connects.`,
      )
    }
  }
  return ({ socket }) => {
    const address = socket?.remoteAddress
    if (typeof address !== 'string') return false
    // A link-local address names its interface behind a percent sign.
    const bare = address.split('%', 1)[0]!
    const version = net.isIP(bare)
    return version !== 0 && list.check(bare, version === 6 ? 'ipv6' : 'ipv4')
  }
}

function add(list: BlockList, net: Net, entry: unknown): boolean {
  if (typeof entry !== 'string') return false
  const [address = '', length, ...rest] = entry.split('/')
  const version = net.isIP(address)
  if (version === 0 || rest.length > 0) return false
  const family = version === 6 ? 'ipv6' : 'ipv4'
  if (length === undefined) list.addAddress(address, family)
  else if (/^\d{1,3}$/.test(length) && Number(length) <= (version === 6 ? 128 : 32))
    list.addSubnet(address, Number(length), family)
  else return false
  return true
}
