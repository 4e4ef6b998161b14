import { TestRegistryError } from '../errors.ts';
import type { RequestRecord } from '../http/request-record.ts';
import type { Fault, FaultCondition, FaultRule, InjectedFault } from './fault-rule.ts';

/** The faults that are set. Of several that match a request, the one set first happens. */
export class FaultRules {
  readonly #rules = new Set<ActiveRule>();

  /** @throws TestRegistryError `OPTION_INVALID` where a count is no count. */
  inject(rule: FaultRule): InjectedFault {
    for (const [name, count] of Object.entries({ after: rule.after ?? 0, times: rule.times ?? 1 })) {
      if (!(count >= 0))
        throw new TestRegistryError('OPTION_INVALID', `${name} of a fault rule is ${count}: at least 0`);
    }
    const active = { rule, toPass: rule.after ?? 0, left: rule.times ?? 1, hits: 0 };
    this.#rules.add(active);
    return {
      get hits() {
        return active.hits;
      },
      remove: () => {
        this.#rules.delete(active);
      },
    };
  }

  /** What is to happen to a request, counting it. */
  take(request: RequestRecord): Fault | undefined {
    let taken: ActiveRule | undefined;
    for (const active of this.#rules) {
      if (active.left <= 0 || !matches(active.rule.on ?? {}, request)) continue;
      if (active.toPass > 0) active.toPass -= 1;
      else taken ??= active;
    }
    if (taken === undefined) return undefined;
    taken.left -= 1;
    taken.hits += 1;
    return taken.rule.fault;
  }
}

interface ActiveRule {
  readonly rule: FaultRule;
  toPass: number;
  left: number;
  hits: number;
}

function matches({ port, method, path }: FaultCondition, request: RequestRecord): boolean {
  if (port !== undefined && port !== request.port) return false;
  if (method !== undefined && method !== request.method) return false;
  if (path === undefined) return true;
  return typeof path === 'string' ? request.path.includes(path) : request.path.search(path) !== -1;
}
