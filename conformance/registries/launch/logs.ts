import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RegistryName } from '../registry-traits.ts';

/** Folder of the registry logs. conformance/tools/test-real.mjs prints their last lines after a failure. */
export const LOGS = join(import.meta.dirname, '..', '.reports', 'logs');

/** Returns the path of the log of a registry. */
export function logFile(name: RegistryName): string {
  return join(LOGS, `${name.replaceAll(' ', '-')}.log`);
}

/** A request in the log of a registry. */
export interface LoggedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** 0 if the log has no status. */
  readonly status: number;
}

/**
 * Matches `"GET /v2/a/manifests/b HTTP/1.1" 200` of distribution, and `GET /v2/a/manifests/b` of go-containerregistry,
 * which appends `404 CODE message` only to a failure.
 */
const REQUEST = /\b(GET|HEAD|POST|PUT|PATCH|DELETE) (\/v2\/\S*)(?: HTTP\/[\d.]+")?(?: (\d{3})\b)?/g;

/** Returns the requests in a log, in order. */
export function readRequests(log: string): LoggedRequest[] {
  return [...readFileSync(log, 'utf8').matchAll(REQUEST)].map(([, method = '', target = '', status = '0']) => {
    const { pathname, searchParams } = new URL(target, 'http://registry');
    return { method, path: pathname, query: searchParams, status: Number(status) };
  });
}
