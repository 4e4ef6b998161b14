import type { Incoming } from '../http/incoming.ts';

/** What a request is about to do in a repository. */
export interface Access {
  readonly repository: string;
  readonly actions: readonly ('delete' | 'pull' | 'push')[];
}

/** Lets requests in. */
export interface Gate {
  /** @throws Refusal 401 with a challenge, or 403. */
  check(incoming: Incoming, access: readonly Access[]): void;
}

/** Lets everybody in. */
export const openGate: Gate = { check: () => {} };
