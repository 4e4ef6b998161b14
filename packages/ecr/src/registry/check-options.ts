import { RegistryError } from '../errors.ts';
import type { RegistryOptions } from './registry-options.ts';

/** @throws RegistryError `OPTION_INVALID` for a number out of its range */
export function checkOptions({ retry = {}, limits = {}, ...options }: RegistryOptions): void {
  const { stallTimeout, maxConnections, maxReadAhead } = options;
  checkNumbers(1, { stallTimeout, maxConnections, 'retry.maxAttempts': retry.maxAttempts, ...limits });
  checkNumbers(0, { maxReadAhead, 'retry.baseDelay': retry.baseDelay, 'retry.maxDelay': retry.maxDelay });
}

function checkNumbers(least: number, numbers: Readonly<Record<string, number | undefined>>): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (value === undefined || (Number.isSafeInteger(value) && value >= least)) continue;
    throw new RegistryError('OPTION_INVALID', `${name} is a whole number, ${least} or more, found ${value}`);
  }
}
