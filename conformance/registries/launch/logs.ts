import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RegistryName } from '../registry-traits.ts';

/** The folder of what the registries print; conformance/tools/test-real.mjs shows the ends of the files after a failure. */
export const LOGS = join(import.meta.dirname, '..', '.reports', 'logs');

/** The file of what a registry prints. */
export function logFile(name: RegistryName): string {
  return join(LOGS, `${name.replaceAll(' ', '-')}.log`);
}

/** A request that a registry was sent, as its log has it. */
export interface LoggedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** 0 where the log says none. */
  readonly status: number;
}

/**
 * `"GET /v2/a/manifests/b HTTP/1.1" 200` by distribution; by go-containerregistry `GET /v2/a/manifests/b`, and behind that
 * `404 CODE words` of a failure alone.
 */
const REQUEST = /\b(GET|HEAD|POST|PUT|PATCH|DELETE) (\/v2\/\S*)(?: HTTP\/[\d.]+")?(?: (\d{3})\b)?/g;

/** The requests in a log, in its order. */
export function readRequests(log: string): LoggedRequest[] {
  return [...readFileSync(log, 'utf8').matchAll(REQUEST)].map(([, method = '', target = '', status = '0']) => {
    const { pathname, searchParams } = new URL(target, 'http://registry');
    return { method, path: pathname, query: searchParams, status: Number(status) };
  });
}
