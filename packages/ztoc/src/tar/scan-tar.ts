import { type TarContents, type TarLimits, TarScanner } from './tar-scanner.ts';

/**
 * Reads a tar stream and lists its entries as in the zTOC of a layer.
 * @param chunks The uncompressed stream, in chunks of any size. A chunk may be overwritten when the next one is
 * requested.
 * @param limits Limits for untrusted streams. @default those of `buildZtoc`
 * @throws {ZtocError} `TAR_*` if Go's archive/tar rejects the stream, `LIMIT_EXCEEDED`. Also errors from `chunks`.
 */
export async function scanTar(chunks: AsyncIterable<Uint8Array>, limits: TarLimits = {}): Promise<TarContents> {
  const scanner = new TarScanner(limits);
  for await (const chunk of chunks) scanner.push(chunk);
  return scanner.finish();
}
