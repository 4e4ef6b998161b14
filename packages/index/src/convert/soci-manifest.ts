import { bareDescriptor, type Descriptor, MEDIA_TYPE_OCI_IMAGE_MANIFEST } from '@soci/oci';
import { describeContent, EMPTY_CONFIG } from '../describe-content.ts';
import { encodeStruct } from '../go-json/encode.ts';
import { MANIFEST } from '../go-json/image-spec.ts';
import type { BuiltLayer, ZtocSummary } from '../layers/build-layer.ts';
import { type LayerPlan, taskKey } from '../layers/layer-plan.ts';
import { joinSpans, type PrefetchSpan } from '../layers/prefetch-spans.ts';
import type { ResolvedOptions } from '../options.ts';
import {
  ANNOTATION_BUILD_TOOL_IDENTIFIER,
  ANNOTATION_DISABLE_XATTRS,
  ANNOTATION_LAYER_DIGEST,
  ANNOTATION_LAYER_MEDIA_TYPE,
  ANNOTATION_READS_DIGEST,
  ANNOTATION_SPAN_SIZE,
  MEDIA_TYPE_PREFETCH,
  MEDIA_TYPE_SOCI_INDEX_V1,
  MEDIA_TYPE_SOCI_INDEX_V2,
  MEDIA_TYPE_ZTOC,
} from '../vocabulary.ts';
import type { PrefetchLocation } from './prefetch-files.ts';
import { describeProvenance, type ProvenanceAnnotations } from './provenance.ts';

/** Kind of an artifact. */
export type ArtifactKind = 'ztoc' | 'prefetch' | 'soci-config' | 'soci-index' | 'image-manifest' | 'image-index';

/** New content to push, with its descriptor. */
export interface Artifact {
  readonly kind: ArtifactKind;
  readonly descriptor: Descriptor;
  readonly content: Uint8Array;
}

const utf8 = new TextEncoder();

/** A SOCI index manifest and the new content to push for it, leaves first. */
export interface AssembledIndex {
  readonly descriptor: Descriptor;
  /** The zTOCs that it lists, in layer order. */
  readonly ztocs: readonly Descriptor[];
  readonly artifacts: readonly Artifact[];
}

/** The properties of a zTOC that a SOCI index and its prefetch artifacts depend on. */
export type ZtocRecord = Pick<ZtocSummary, 'ztocDigest' | 'ztocSize' | 'spanSize' | 'hasXattrs' | 'prefetch'> & {
  /** With the span size `auto`: value of `ANNOTATION_READS_DIGEST`. */
  readonly readsDigest?: string;
  /** Encoded zTOC. Needed only for files to prefetch. */
  readonly ztoc?: Uint8Array;
};

/** Input of {@link writeSociIndex}. */
export interface SociIndexInput<Ztoc extends ZtocRecord = ZtocRecord> {
  readonly version: 1 | 2;
  /** The image manifest that a v1 index refers to. */
  readonly subject: Descriptor;
  readonly layers: readonly LayerPlan[];
  /** The zTOCs by {@link taskKey}. */
  readonly ztocs: ReadonlyMap<string, Ztoc>;
  readonly options: ResolvedOptions;
  /** Result of `findPrefetchFiles`. */
  readonly prefetch: readonly (PrefetchLocation | undefined)[];
  /** Provenance annotations of a v1 index. @default those of this run */
  readonly provenance?: ProvenanceAnnotations;
}

/** Writes the SOCI index of one image manifest. Returns undefined if no layer is indexed (soci/soci_index.go, `build`). */
export function writeSociIndex<Ztoc extends ZtocRecord>(input: SociIndexInput<Ztoc>) {
  const { version, subject, options } = input;
  const provenance = () => input.provenance ?? describeProvenance(subject.digest, version, options);
  const ztocs = describeZtocs(input);
  if (ztocs.length === 0) return undefined;
  const prefetches = describePrefetches(input);
  const artifactType = version === 1 ? MEDIA_TYPE_SOCI_INDEX_V1 : MEDIA_TYPE_SOCI_INDEX_V2;
  const config = describeContent(artifactType, EMPTY_CONFIG);
  const content = encodeStruct(MANIFEST, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST,
    config,
    layers: [...ztocs, ...prefetches].map(({ descriptor }) => descriptor),
    ...(version === 1 && { subject: bareDescriptor(subject) }),
    annotations: {
      [ANNOTATION_BUILD_TOOL_IDENTIFIER]: options.buildToolIdentifier,
      ...(version === 1 && !options.isCompat && provenance()),
    },
  });
  const descriptor = { ...describeContent(MEDIA_TYPE_OCI_IMAGE_MANIFEST, content), artifactType };
  return { descriptor, content, config, ztocs, prefetches };
}

/** Writes the SOCI index of one image manifest, and lists the content to push with it. */
export function assembleSociIndex(input: SociIndexInput<BuiltLayer>): AssembledIndex | undefined {
  const index = writeSociIndex(input);
  if (index === undefined) return undefined;
  const { descriptor, content, config, ztocs, prefetches } = index;
  return {
    descriptor,
    ztocs: ztocs.map((each) => each.descriptor),
    artifacts: [
      ...ztocs
        .filter(({ ztoc }) => ztoc.ztoc.length > 0)
        .map((each) => ({ kind: 'ztoc' as const, descriptor: each.descriptor, content: each.ztoc.ztoc })),
      ...prefetches.map((prefetch) => ({ kind: 'prefetch' as const, ...prefetch })),
      { kind: 'soci-config', descriptor: config, content: EMPTY_CONFIG },
      { kind: 'soci-index', descriptor, content },
    ],
  };
}

function describeZtocs<Ztoc extends ZtocRecord>({ layers, ztocs, options }: SociIndexInput<Ztoc>) {
  return layers.flatMap((layer) => {
    const ztoc = 'task' in layer ? ztocs.get(taskKey(layer.task)) : undefined;
    if (ztoc === undefined) return [];
    const annotations = {
      [ANNOTATION_LAYER_MEDIA_TYPE]: layer.descriptor.mediaType,
      [ANNOTATION_LAYER_DIGEST]: layer.descriptor.digest,
      [ANNOTATION_SPAN_SIZE]: String(ztoc.spanSize),
      ...(ztoc.readsDigest !== undefined && { [ANNOTATION_READS_DIGEST]: ztoc.readsDigest }),
      ...(options.markMissingXattrs && !ztoc.hasXattrs && { [ANNOTATION_DISABLE_XATTRS]: 'true' }),
    };
    const content = { mediaType: MEDIA_TYPE_ZTOC, digest: ztoc.ztocDigest, size: ztoc.ztocSize };
    return [{ descriptor: { ...content, annotations }, ztoc }];
  });
}

/** soci/soci_index.go, `buildPrefetchLayer`; soci/prefetch.go. */
function describePrefetches(input: SociIndexInput) {
  const spansByLayer = collectPrefetchSpans(input);
  return input.layers.flatMap(({ descriptor: { digest } }) => {
    const spans = spansByLayer.get(digest);
    if (spans === undefined) return [];
    const list = joinSpans(spans).map(({ start, end }) => `{"start_span":${start},"end_span":${end}}`);
    const content = utf8.encode(`{"version":"1.0","prefetch_spans":[${list.join(',')}]}`);
    const descriptor = {
      ...describeContent(MEDIA_TYPE_PREFETCH, content),
      annotations: { [ANNOTATION_LAYER_DIGEST]: digest },
    };
    return [{ descriptor, content }];
  });
}

/** Collects the spans of each file: with `compat`, from the topmost layer that has an entry of that name. */
function collectPrefetchSpans({ layers, ztocs, options, prefetch }: SociIndexInput): Map<string, PrefetchSpan[]> {
  const spansByLayer = new Map<string, PrefetchSpan[]>();
  if (!options.isCompat) {
    for (const location of prefetch) {
      if (location === undefined) continue;
      spansByLayer.set(location.layer, [...(spansByLayer.get(location.layer) ?? []), location.spans]);
    }
    return spansByLayer;
  }
  for (const position of options.prefetchFiles.keys()) {
    for (const layer of layers.toReversed()) {
      const found = 'task' in layer ? ztocs.get(taskKey(layer.task))?.prefetch[position] : undefined;
      if (found === undefined || found === null) continue;
      const { digest } = layer.descriptor;
      spansByLayer.set(digest, [...(spansByLayer.get(digest) ?? []), found]);
      break;
    }
  }
  return spansByLayer;
}

/** Removes duplicate artifacts. */
export function dedupeArtifacts(artifacts: readonly Artifact[]): readonly Artifact[] {
  const seen = new Set<string>();
  return artifacts.filter(({ descriptor: { digest } }) => !seen.has(digest) && seen.add(digest));
}
