/**
 * Works on at most `limit` items at a time, and gives the results in the order of the items.
 *
 * @throws The first failure, when what was in flight has ended; nothing more is begun after it.
 */
export async function mapInParallel<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const queue = items.entries();
  let isOver = false;
  const takeTurns = async (): Promise<void> => {
    for (const [position, item] of queue) {
      if (isOver) return;
      try {
        results[position] = await work(item);
      } catch (error) {
        isOver = true;
        throw error;
      }
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, takeTurns));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return results;
}
