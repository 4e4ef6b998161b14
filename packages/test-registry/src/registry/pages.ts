import { Refusal } from '../http/refusal.ts';
import { locate } from './location.ts';
import type { Call } from './registry.ts';

/** The `n` of the query, or `fallback`; at most `fallback`. @throws Refusal 400 where it is no count. */
export function pageSize({ incoming }: Call, fallback: number): number {
  const text = incoming.query.get('n');
  if (text === null) return fallback;
  if (!/^\d{1,9}$/.test(text)) throw new Refusal(400, 'PAGINATION_NUMBER_INVALID', `n is no count: ${text}`);
  return Math.min(Number(text), fallback);
}

/** The `Link` to the next page. @see RFC 5988; OCI distribution-spec v1.1, "Content Discovery" */
export function nextLink(call: Call, path: string, query: Readonly<Record<string, string>>): { readonly link: string } {
  return { link: `<${locate(call, path)}?${new URLSearchParams(query)}>; rel="next"` };
}
