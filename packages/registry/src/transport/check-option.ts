import { RegistryError } from '../errors.ts';

/** The longest time that a timer of Node's can wait, in milliseconds. */
export const MAX_TIMEOUT = 2 ** 31 - 1;

/** Hands a number back where it is whole and in its range. @throws RegistryError `OPTION_INVALID` */
export function checkOption(name: string, value: number, least: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw new RegistryError('OPTION_INVALID', `${name} is a whole number from ${least} to ${most}, found ${value}`);
}
