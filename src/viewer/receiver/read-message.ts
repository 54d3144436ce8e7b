import { BinaryReader } from '@bufbuild/protobuf/wire'

import { fieldTag } from '../../internal/otlp-fields.ts'

/**
 * Reads one message. A message inside another is read from its own bytes, so that it cannot reach beyond its end.
 *
 * @param read takes the fields it knows and says so; every other one is skipped. A field that arrives with
 *   another layout than OTLP gives it is none it knows
 */
export function readMessage(bytes: Uint8Array, read: (tag: number, reader: BinaryReader) => boolean): void {
  const reader = new BinaryReader(bytes)
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag()
    if (!read(fieldTag(number, type), reader)) reader.skip(type, number)
  }
}
