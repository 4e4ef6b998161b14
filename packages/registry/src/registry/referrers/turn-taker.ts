/** Lets work of the same name run one after the other. */
export class TurnTaker {
  /** The end of the last work of each name. */
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `work` when all work of that name before it has ended, however it did. */
  async take<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name);
    const turn = (async () => {
      await before?.catch(() => {});
      return work();
    })();
    this.#last.set(name, turn);
    try {
      return await turn;
    } finally {
      if (this.#last.get(name) === turn) this.#last.delete(name);
    }
  }
}
