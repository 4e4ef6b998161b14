import type { Incoming } from '../http/incoming.ts';
import type { Refusal } from '../http/refusal.ts';

/** What a request is about to do in a repository. */
export interface Access {
  readonly repository: string;
  readonly actions: readonly ('delete' | 'pull' | 'push')[];
}

/** Lets requests in. */
export interface Gate {
  /** Why a request is not let in: 401 with a challenge, or 403; undefined where it is. */
  refuse(incoming: Incoming, access: readonly Access[]): Refusal | undefined;
}

/** Lets everybody in. */
export const openGate: Gate = { refuse: () => undefined };
