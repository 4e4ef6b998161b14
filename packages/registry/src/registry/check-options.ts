import { checkOption } from '../transport/check-option.ts';
import { checkRetryOptions } from '../transport/retry.ts';
import type { RegistryOptions } from './registry-options.ts';

/** Looks at what is otherwise used long after a registry was opened. @throws RegistryError `OPTION_INVALID` for a number out of its range */
export function checkOptions({ retry = {}, limits = {}, maxReadAhead = 0 }: RegistryOptions): void {
  checkRetryOptions(retry);
  checkOption('maxReadAhead', maxReadAhead, 0, Number.MAX_SAFE_INTEGER);
  for (const [name, value] of Object.entries(limits)) {
    if (value !== undefined) checkOption(`limits.${name}`, value, 1, Number.MAX_SAFE_INTEGER);
  }
}
