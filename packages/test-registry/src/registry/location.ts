import type { Call } from './registry.ts';

/** An address below the repository of a call, relative or absolute as the settings say. */
export function locate({ registry, incoming, name }: Call, path: string): string {
  return `${registry.settings.absoluteLocations ? incoming.origin : ''}/v2/${name}/${path}`;
}
