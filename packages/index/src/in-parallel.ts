/**
 * Calls `work` for each item, for at most `limit` items at the same time. Returns the results in the order of the items.
 *
 * @throws The first error, after running calls have ended. No further calls start after an error.
 */
export async function mapInParallel<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const queue = items.entries();
  let hasFailed = false;
  const runWorker = async (): Promise<void> => {
    for (const [position, item] of queue) {
      if (hasFailed) return;
      try {
        results[position] = await work(item);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, runWorker));
  for (const worker of workers) if (worker.status === 'rejected') throw worker.reason;
  return results;
}
