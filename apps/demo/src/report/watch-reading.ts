import { formatBytes, type Output } from '@soci/cli/internal';

const LOOK_MILLISECONDS = 200;

/**
 * Shows how much the generator has read while it works. Of what it does only the registry knows, which is asked now and
 * then.
 *
 * @param total - Bytes that there are to read, about.
 */
export async function watchReading<T>(
  output: Output,
  total: number,
  bytesRead: () => Promise<number>,
  work: () => Promise<T>,
): Promise<T> {
  const progress = output.openProgress();
  let isOver = false;
  const timer = setInterval(async () => {
    const done = Math.min(total, await bytesRead());
    const detail = `the generator reads, ${formatBytes(done)} of ${formatBytes(total)}`;
    if (!isOver) progress.update({ done, total, detail });
  }, LOOK_MILLISECONDS);
  try {
    return await work();
  } finally {
    isOver = true;
    clearInterval(timer);
    progress.close();
  }
}
