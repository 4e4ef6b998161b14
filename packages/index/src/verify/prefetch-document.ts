import type { Problem } from './problem.ts';

/** Checks that a prefetch artifact asks for spans that its layer has (soci/prefetch.go, `UnmarshalPrefetchArtifact`). */
export function checkPrefetch(digest: string, content: Uint8Array, spans: number | undefined): Problem[] {
  const invalid = (what: string): Problem[] => [
    { code: 'ztoc-invalid', message: `prefetch artifact ${digest} ${what}` },
  ];
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder().decode(content));
  } catch {
    return invalid('is not JSON');
  }
  const { version, prefetch_spans: list } = (document ?? {}) as { version?: unknown; prefetch_spans?: unknown };
  if (version !== '1.0' || !Array.isArray(list) || list.length === 0) return invalid('is not one of version 1.0');
  if (spans === undefined) return invalid('is of a layer that has no zTOC');
  for (const entry of list as unknown[]) {
    const { start_span: start, end_span: end } = (entry ?? {}) as { start_span?: unknown; end_span?: unknown };
    if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end)) return invalid('has a span without a number');
    // The last span asked for is that of the byte after the file, which a plain tar may end before.
    if ((start as number) < 0 || (end as number) < (start as number) || (end as number) > spans) {
      return invalid(`asks for spans ${start} to ${end} of a layer that has ${spans}`);
    }
  }
  return [];
}
