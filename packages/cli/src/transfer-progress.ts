import type { Descriptor } from '@soci/oci';
import { InFlight } from './in-flight.ts';
import type { Progress } from './terminal/progress.ts';
import { formatBytes } from './terminal/quantity.ts';

/** Shows how content is written: what was written in all, and each piece that is on its way. */
export function showTransferProgress(
  progress: Progress,
  title: string,
): (bytes: number, piece: Pick<Descriptor, 'digest' | 'size'>) => void {
  const inFlight = new InFlight();
  return (bytes, { digest, size }) => {
    inFlight.add(digest, bytes, size);
    progress.update({
      done: 0,
      total: 0,
      detail: `${title}  ${formatBytes(inFlight.bytes)}`,
      items: inFlight.items(),
    });
  };
}
