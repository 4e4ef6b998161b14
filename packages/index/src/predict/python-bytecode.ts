import { posix } from 'node:path';
import type { FoundFile } from './image-files.ts';
import type { Origin, Prediction } from './prediction.ts';
import type { PythonVersion } from './python-search-path.ts';

/** Size of the header of a `.pyc` file (PEP 552), in bytes. */
const PYC_HEADER_SIZE = 16;

/** Predicts the source or, if it is up to date, the compiled file next to it. @see PEP 3147, PEP 552 */
export async function addModuleFile(
  prediction: Prediction,
  { major, minor }: PythonVersion,
  source: FoundFile,
  path: string,
  origin: Origin,
): Promise<void> {
  const { files } = prediction;
  const name = `${posix.basename(path, '.py')}.cpython-${major}${minor}.pyc`;
  const directory = `${posix.dirname(path)}/__pycache__`;
  const compiled = path.endsWith('.py') ? await files.find(`${directory}/${name}`) : undefined;
  const header = compiled && (await files.read(compiled, 0, PYC_HEADER_SIZE));
  if (compiled === undefined || header === undefined || header.length < PYC_HEADER_SIZE) {
    prediction.add(source, origin);
    return;
  }
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const flags = view.getUint32(4, true);
  const isHashed = (flags & 1) !== 0;
  const isCurrent =
    view.getUint32(8, true) === (source.modified ?? 0) % 2 ** 32 && view.getUint32(12, true) === source.size % 2 ** 32;
  if (isHashed || isCurrent) prediction.add(compiled, origin);
  if (isHashed ? (flags & 2) !== 0 : !isCurrent) prediction.add(source, origin);
}
