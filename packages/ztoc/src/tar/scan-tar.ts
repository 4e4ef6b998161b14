import { type EntryListener, type TarContents, type TarLimits, TarScanner } from './tar-scanner.ts';

/**
 * Reads a tar stream and lists its entries the way a zTOC lists them.
 * @param chunks The uncompressed stream, in chunks of any size. A chunk may be overwritten when the next one is
 * requested.
 * @param limits Limits for untrusted streams. @default those of `buildZtoc`
 * @param onEntry Receives each entry, whose bytes are overwritten afterwards. @default the result has all entries
 * @throws {ZtocError} `TAR_*` if Go's archive/tar rejects the stream, `LIMIT_EXCEEDED` if
 * the stream exceeds a limit. Errors from `chunks` are rethrown.
 */
export async function scanTar(
  chunks: AsyncIterable<Uint8Array>,
  limits: TarLimits = {},
  onEntry?: EntryListener,
): Promise<TarContents> {
  const scanner = new TarScanner(limits, onEntry);
  for await (const chunk of chunks) scanner.push(chunk);
  return scanner.finish();
}
